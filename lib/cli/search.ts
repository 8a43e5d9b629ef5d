import type { Command } from 'commander';
import type { ScoreData } from '../compression/score';
import { type MethodResult, type SearchResult, search } from '../compression/search';
import type { Mode } from '../layers/layer';
import type { MLP } from '../models/mlp';
import type { QuantizeOptions } from '../models/quantize';
import { bytes, count, percent, plural, table } from './format';
import * as option from './options';
import type { Context } from './outcome';

export interface SearchFlags {
  readonly search?: boolean;
  readonly budget?: number;
}

export function addSearch(command: Command): Command {
  return command
    .option('--search', 'try ways to quantize, and write the smallest file within --max-drop on --test')
    .option('--budget <seconds>', 'time to search in (default: 60)', option.positiveNumber);
}

/** Runs a search with its progress on the bar. */
export function searched(
  float: MLP,
  rows: Float32Array,
  data: ScoreData,
  { budget }: SearchFlags,
  { maxDrop, modes, quantize }: { maxDrop?: number; modes?: readonly Mode[]; quantize: QuantizeOptions },
  { signal, onProgress }: Context,
): Promise<SearchResult> {
  return search(float, rows, {
    data,
    quantize,
    ...(maxDrop !== undefined && { maxDrop }),
    ...(modes !== undefined && { modes }),
    ...(budget !== undefined && { budget }),
    ...(signal && { signal }),
    onProgress: (progress) => onProgress({ ...progress, unit: 'candidate' }),
  });
}

/** All that were tried, in that order; the chosen one is marked. */
export function searchTable({ results, name, untried }: SearchResult): string {
  const header = ['', 'candidate', 'accuracy', 'drop', 'agreement', 'SQNR', 'size', 'made in'];
  const lines = results.map((result) => [result.name === name ? '*' : '', result.name, ...figures(result)]);
  const text = table([header, ...lines], [2, 3, 4, 5, 6, 7]);
  return untried === 0 ? text : `${text}\nno time for ${plural(untried, 'candidate')} more (--budget)`;
}

function figures({
  error,
  accuracy,
  drop,
  agreement,
  sqnrDb,
  bytes: size,
  milliseconds,
}: MethodResult): string[] {
  if (error !== undefined) return [error];
  return [
    accuracy === undefined ? '' : percent(accuracy),
    drop === undefined ? '' : drop.toFixed(2),
    agreement === undefined ? '' : percent(agreement),
    Number.isFinite(sqnrDb) ? `${sqnrDb.toFixed(1)} dB` : '∞',
    bytes(size),
    `${count(Math.round(milliseconds))} ms`,
  ];
}
