import type { Command } from 'commander';
import type { ElementwiseName } from '../layers/elementwise';
import type { GraphModel } from '../models/model';
import { type Comparison, compare } from './comparison';
import { agreement, count, fields, percent, plural, real, sqnr, table } from './format';
import { loadModels } from './models';
import * as option from './options';
import type { Context, Execute, Outcome } from './outcome';
import { withRows } from './rows';

interface Flags {
  readonly data: string;
  readonly rows?: number;
  readonly activation?: ElementwiseName;
  readonly scaleInput?: number;
}

const EXAMPLES = `
Examples:
  requant diff mnist.safetensors mnist.int8.safetensors --data test.npy
  requant diff mnist.onnx mnist.int8.onnx --data test.npy --rows 1000
  requant diff a.int8.safetensors b.int8.safetensors --data test.npy --json | jq .output.equalPercent`;

export function addDiff(program: Command, execute: Execute): void {
  const command = program
    .command('diff')
    .summary('compare two models layer by layer on rows')
    .description(
      'Runs two models, float or quantized, on rows and compares their values layer by layer; codes are compared as the real numbers that they stand for.',
    )
    .argument('<a>', 'model file (.safetensors or .onnx), the reference')
    .argument('<b>', 'model file to compare with it')
    .requiredOption('--data <x.npy>', 'rows to run')
    .option('--rows <n>', 'take the first n rows (default: all)', option.positiveInteger);
  option
    .addJson(option.addScaleInput(option.addActivation(command)))
    .addHelpText('after', EXAMPLES)
    .action((a: string, b: string, flags: Flags) => execute((context) => diffModels([a, b], flags, context)));
}

async function diffModels(
  paths: readonly [string, string],
  flags: Flags,
  context: Context,
): Promise<Outcome> {
  const models = await loadModels(paths, flags.activation);
  try {
    const [a, b] = models as readonly GraphModel[] as readonly [GraphModel, GraphModel];
    const { rows = Number.POSITIVE_INFINITY, data, scaleInput } = flags;
    const comparison = await withRows(data, a.inFeatures, scaleInput, (source) =>
      compare(source, [a, b], rows, context),
    );
    return outcome(paths, [a, b], flags, comparison);
  } finally {
    for (const model of models) model.dispose();
  }
}

function outcome(
  paths: readonly [string, string],
  models: readonly [GraphModel, GraphModel],
  { data }: Flags,
  { rows, by, values, output }: Comparison,
): Outcome {
  const [a, b] = models.map(({ kind }, i) => ({ path: paths[i]!, kind }));
  return {
    report: { command: 'diff', a, b, data, rows, matchedBy: by, values, output },
    text: [
      valueTable(values),
      '',
      fields([
        ['a', `${a!.path}, ${a!.kind}`],
        ['b', `${b!.path}, ${b!.kind}`],
        ['values', by === 'name' ? 'matched by name' : 'matched by the order of the Linear layers'],
        ['rows', `${count(rows)} of ${data}`],
        ['outputs', plural(models[0].outFeatures, 'feature')],
        ['  equal bits', percent(output.equalPercent)],
        ['  difference', `max ${real(output.maxAbs)}, mean ${real(output.meanAbs)}`],
        ['  SQNR', sqnr(output.sqnrDb)],
        ['  cosine', cosine(output.cosine)],
        ['  agreement', agreement(output.agreementPercent)],
      ]),
    ].join('\n'),
  };
}

function valueTable(values: Comparison['values']): string {
  const header = ['value', 'features', 'equal bits', 'max', 'mean', 'SQNR', 'cosine'];
  const lines = values.map((value) => [
    value.a === value.b ? value.a : `${value.a} / ${value.b}`,
    count(value.features),
    percent(value.equalPercent),
    real(value.maxAbs),
    real(value.meanAbs),
    Number.isFinite(value.sqnrDb) ? `${value.sqnrDb.toFixed(1)} dB` : '∞',
    cosine(value.cosine),
  ]);
  return table([header, ...lines], [1, 2, 3, 4, 5, 6]);
}

const cosine = (value: number): string => value.toFixed(6);
