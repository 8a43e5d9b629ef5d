import { expected } from '../errors';
import type { Value } from './graph';

/** Limits of a model file (docs/model-format.md), kept by its writer and its reader. */
export const MAX_JSON_LENGTH = 2 ** 20;
export const MAX_NODES = 10_000;
export const MAX_VALUES = 20_000;
/** Of all values together: a few bytes of concats would otherwise ask for any amount of memory in a run. */
export const MAX_TOTAL_FEATURES = 2 ** 26;

/** Residuals and concats inside of each other: a list of layers is walked recursively. */
export const MAX_NESTING = 256;

/** Errors: ERR_LIMIT. */
export function checkTotalFeatures(values: ReadonlyMap<string, Value>): void {
  let total = 0;
  for (const { features } of values.values()) total += features;
  checkCount('features in all values', total, MAX_TOTAL_FEATURES);
}

/** Errors: ERR_LIMIT. */
export function checkCount(what: string, count: number, limit: number): void {
  if (count > limit) throw expected('ERR_LIMIT', `at most ${limit} ${what}`, count);
}
