import path from 'node:path';
import type { Command } from 'commander';
import { METHOD_NAMES } from '../calibration/methods';
import type { Calibration, Observer } from '../calibration/types';
import type { ScoreData } from '../compression/score';
import { readFileBytes, writeFileAtomically } from '../formats/atomic-write';
import type { ElementwiseName } from '../layers/elementwise';
import { calibrate } from '../models/calibrate';
import { MLP } from '../models/mlp';
import type { QuantizeOptions } from '../models/quantize';
import { ROUNDINGS } from '../quantization/rounding';
import { type Report, report } from '../report/report';
import type { ReportData, ReportVariant } from '../report/types';
import { bytes, count, fields, percent, plural, sqnr } from './format';
import { checkOutputPath, loadOptions, sourceOf } from './models';
import * as option from './options';
import { type Context, type Execute, type Outcome, UsageError } from './outcome';
import { type RowSource, readLabels, withRows } from './rows';

/** Rows are held in memory: as many as say enough. */
const DEFAULT_ROWS = 10_000;

interface Flags {
  readonly o: string;
  readonly calibrate: string;
  readonly test?: string;
  readonly labels?: string;
  readonly rows: number;
  readonly activation?: ElementwiseName;
  readonly method?: Observer;
  readonly percentile?: number;
  readonly weights: NonNullable<QuantizeOptions['weights']>;
  readonly activations: NonNullable<QuantizeOptions['activations']>;
  readonly rounding: NonNullable<QuantizeOptions['rounding']>;
  readonly scaleInput?: number;
  readonly title?: string;
  readonly date?: string;
  readonly maxLayers?: number;
  readonly budget?: number;
  /** --no-latency */
  readonly latency: boolean;
}

const EXAMPLES = `
Examples:
  requant report mnist.safetensors --activation relu --calibrate rows.npy -o report.html
  requant report mnist.onnx --calibrate rows.npy --test test.npy --labels labels.npy -o report.html
  requant report mnist.onnx --calibrate rows.npy --no-latency -o report.html --json | jq .report.advice`;

export function addReport(program: Command, execute: Execute): void {
  const command = program
    .command('report')
    .summary('a page about a model in float32, int8 and FP8: errors, sizes, plots')
    .description(
      'Measures a float model beside its int8 and FP8 forms, layer by layer, and other methods, and writes one self-contained HTML file. The plots need the package echarts: npm install echarts.',
    )
    .argument('<float>', 'float model (.safetensors, .onnx)')
    .requiredOption('-o <report.html>', 'where to write the page')
    .requiredOption('--calibrate <data.npy>', 'rows to calibrate on');
  option
    .addScaleInput(option.addActivation(command))
    .option('--test <x.npy>', 'rows to measure on (default: the first 1024 of the calibration)')
    .option('--labels <y.npy>', 'their class labels: reports the accuracy')
    .option('--rows <n>', 'take the first n rows of --test', option.positiveInteger, DEFAULT_ROWS)
    .addOption(
      option.choice('--method <name>', 'how ranges are chosen from the data (default: "auto")', METHOD_NAMES),
    )
    .option(
      '--percentile <p>',
      'for --method percentile, above 50 to 100 (default: 99.99)',
      option.finiteNumber,
    )
    .addOption(
      option
        .choice('--weights <grid>', 'of int8: one scale an output feature or one a layer', [
          'per-channel',
          'per-tensor',
        ])
        .default('per-channel'),
    )
    .addOption(
      option
        .choice('--activations <grid>', 'of int8: uint8 with a zero point, or int8 around 0', [
          'asymmetric',
          'symmetric',
        ])
        .default('asymmetric'),
    )
    .addOption(option.choice('--rounding <name>', 'of int8 accumulators', ROUNDINGS).default('half-up'))
    .option('--title <text>', "the page's heading (default: the model's file name)")
    .option('--date <text>', 'printed under it (default: none, so that equal input gives an equal page)')
    .option('--max-layers <n>', 'most Linear layers shown one by one (default: 12)', option.positiveInteger)
    .option('--budget <seconds>', 'most time for the table of methods (default: 30)', option.positiveNumber)
    .option('--no-latency', 'time nothing');
  option
    .addJson(command)
    .addHelpText('after', EXAMPLES)
    .action((float: string, flags: Flags) => execute((context) => reportModel(float, flags, context)));
}

async function reportModel(input: string, flags: Flags, context: Context): Promise<Outcome> {
  checkFlags(input, flags);
  const source = await readFileBytes(input);
  using float = await MLP.load(sourceOf(input, source), loadOptions([source], flags.activation)[0]);
  const calibration = await calibrated(float, flags, context);
  const data = await testRows(float, flags);
  const { weights, activations, rounding, date, maxLayers, latency, budget } = flags;
  const made = await report(float, {
    calibration,
    ...(data && { data }),
    quantize: { weights, activations, rounding },
    title: flags.title ?? path.basename(input),
    ...(date !== undefined && { date }),
    ...(maxLayers !== undefined && { maxLayers }),
    latency,
    ...(budget !== undefined && { budget }),
    ...(context.signal && { signal: context.signal }),
    onProgress: (progress) => context.onProgress({ ...progress, unit: unitOf(progress.step) }),
  });
  context.signal?.throwIfAborted();
  await writeFileAtomically(flags.o, new TextEncoder().encode(made.html));
  return outcome(input, flags.o, made);
}

function checkFlags(input: string, { o, calibrate: data, test, labels, method, percentile }: Flags): void {
  if (labels !== undefined && test === undefined) throw new UsageError('expected --test beside --labels');
  if (percentile !== undefined && method !== 'percentile')
    throw new UsageError('expected --method percentile beside --percentile');
  checkOutputPath(o, [input, data, test, labels]);
}

function unitOf(step: string): string {
  if (step === 'observe') return 'row';
  return step === 'sensitivity' ? 'layer' : 'method';
}

function calibrated(
  float: MLP,
  { calibrate: file, method, percentile, scaleInput }: Flags,
  context: Context,
): Promise<Calibration> {
  return withRows(file, float.inFeatures, scaleInput, (source) =>
    calibrate(float, source.batches(), {
      ...(method !== undefined && { method }),
      ...(percentile !== undefined && { percentile }),
      ...(context.signal && { signal: context.signal }),
      onProgress: (progress) => context.onProgress({ ...progress, total: source.rows }),
    }),
  );
}

async function testRows(
  { inFeatures, outFeatures }: MLP,
  { test, labels, rows: most, scaleInput }: Flags,
): Promise<ScoreData | undefined> {
  if (test === undefined) return undefined;
  return withRows(test, inFeatures, scaleInput, async (source) => {
    const inputs = await firstRows(source, inFeatures, most);
    if (labels === undefined) return { inputs };
    const all = await readLabels(labels, source, Math.max(outFeatures, 2));
    return { inputs, labels: all.subarray(0, inputs.length / inFeatures) };
  });
}

async function firstRows(source: RowSource, features: number, most: number): Promise<Float32Array> {
  const rows = new Float32Array(Math.min(most, source.rows) * features);
  let at = 0;
  for await (const batch of source.batches()) {
    const part = batch.subarray(0, rows.length - at);
    rows.set(part, at);
    at += part.length;
    if (at === rows.length) break;
  }
  return rows;
}

function outcome(input: string, output: string, { html, data }: Report): Outcome {
  const size = Buffer.byteLength(html);
  return {
    report: { command: 'report', input, output, bytes: size, report: data },
    text: fields([
      ['rows', `${plural(data.rows.test, 'row')}${data.rows.testIsCalibration ? ' of the calibration' : ''}`],
      ...data.summary.map((variant): [string, string] => [variant.format, variantText(variant)]),
      ...data.advice.map(({ level, text, command }): [string, string] => [
        level,
        command === undefined ? text : `${text} (${command})`,
      ]),
      ['written', `${output}, ${bytes(size)}, ${plotCount(data)}`],
    ]),
  };
}

function variantText({ accuracy, agreement, sqnrDb, bytes: size, unavailable }: ReportVariant): string {
  if (unavailable !== undefined) return `not available: ${unavailable.code}`;
  const words = [
    accuracy === null ? undefined : `accuracy ${percent(accuracy)}`,
    agreement === null ? undefined : `agreement ${percent(agreement)}`,
    `SQNR ${sqnr(sqnrDb ?? Number.POSITIVE_INFINITY)}`,
    bytes(size),
  ];
  return words.filter((word) => word !== undefined).join(', ');
}

function plotCount({ layers, methods }: ReportData): string {
  return `${count(layers.length)} layers, ${plural(methods.length, 'method')}`;
}
