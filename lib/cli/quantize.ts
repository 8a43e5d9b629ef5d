import type { Command } from 'commander';
import { METHOD_NAMES } from '../calibration/methods';
import type { Calibration } from '../calibration/types';
import { DEFAULT_MAX_DROP, type SearchResult } from '../compression/search';
import { readFileBytes, writeFileAtomically } from '../formats/atomic-write';
import type { Format } from '../layers/layer';
import type { RecordStep } from '../models/graph';
import { MLP } from '../models/mlp';
import { type QuantizeOptions, quantize } from '../models/quantize';
import type { QuantizedMLP } from '../models/quantized-mlp';
import { DEFAULT_GROUP_SIZE, GROUP_SIZES } from '../quantization/int4';
import { ROUNDINGS } from '../quantization/rounding';
import { type Evaluation, evaluateAll } from './evaluation';
import { accuracy, agreement, bytes, fields, plural, real, sqnr } from './format';
import { addMethods } from './methods';
import { loadOptions, sourceOf } from './models';
import { type NodeReport, nodeReports, nodeTable } from './nodes';
import * as option from './options';
import { type Context, EXIT, type Execute, type Outcome, type Problem } from './outcome';
import { made } from './preparation';
import { checkFlags, checkGate, type Flags } from './quantize-flags';
import { withRows } from './rows';
import { addSearch, searchTable } from './search';

const EXAMPLES = `
Examples:
  requant quantize mnist.safetensors --activation relu --calibrate rows.npy -o mnist.int8.safetensors
  requant quantize mnist.safetensors --activation relu --calibrate rows.npy -o mnist.int8.safetensors \\
    --test test.npy --labels labels.npy --max-drop 0.5
  requant quantize mnist.onnx --calibrate rows.npy -o mnist.int8.safetensors
  requant quantize tabular.safetensors --mode dynamic -o tabular.int8.safetensors
  requant quantize wide.safetensors --activation relu --mode dynamic --format int4 -o wide.int4.safetensors
  requant quantize mnist.safetensors --activation relu --calibrate rows.npy --format e4m3fn -o mnist.fp8.safetensors
  requant quantize mnist.safetensors --activation relu --calibrate rows.npy -o mnist.int8.safetensors \\
    --search --budget 30 --test test.npy --labels labels.npy --max-drop 0.5`;

export function addQuantize(program: Command, execute: Execute): void {
  const command = program
    .command('quantize')
    .summary('make the int8, int4 or float8 form of a float model')
    .description(
      'Calibrates a float model on data, quantizes it to int8 or float8 (or its weights to int4) and writes the new model.',
    )
    .argument('<float>', 'float model (.safetensors, .onnx)')
    .requiredOption('-o <file>', 'where to write the quantized model')
    .option('--calibrate <data.npy>', 'rows to calibrate on; required by --mode static');
  option.addActivation(command);
  addQuantizationOptions(command);
  addSearch(addMethods(command));
  option
    .addScaleInput(command)
    .option('--test <x.npy>', 'rows to compare the float and the quantized model on')
    .option('--labels <y.npy>', 'their class labels: reports the accuracy of both')
    .option(
      '--max-drop <points>',
      'most percentage points that may be lost on --test: of accuracy with --labels, else of agreement (100 − agreement); beyond it nothing is written, exit 3',
      option.percentagePoints,
    )
    .option(
      '--metadata <key=value...>',
      'text to keep in the model file; may be given several times',
      option.keyValue,
    );
  option
    .addJson(command)
    .addHelpText('after', EXAMPLES)
    .action((float: string, flags: Record<string, unknown>) =>
      // `-o` and `--output` are two options: where to write, and what the model writes.
      execute((context) =>
        quantizeModel(
          float,
          { ...flags, output: flags['o'], outputs: flags['output'], given: givenOptions(command) } as Flags,
          context,
        ),
      ),
    );
}

function givenOptions(command: Command): ReadonlySet<string> {
  const names = command.options.map((one) => one.attributeName());
  return new Set(names.filter((name) => command.getOptionValueSource(name) === 'cli'));
}

function addQuantizationOptions(command: Command): void {
  command
    .addOption(
      option.choice('--mode <mode>', 'arithmetic', ['static', 'dynamic', 'weight-only']).default('static'),
    )
    .option(
      '--format <name>',
      'of the weights: int8, int4 (--mode dynamic or weight-only), e4m3fn, e5m2, bits of mantissa and exponent such as 3m4e, or fp8-search (--mode static or weight-only)',
      option.weightFormat,
      'int8',
    )
    .option(
      '--group-size <n>',
      `weights that share a scale, with --format int4: ${GROUP_SIZES.join(', ')} (default: ${DEFAULT_GROUP_SIZE})`,
      option.groupSize,
    )
    .option(
      '--bits <n>',
      'of int8 weights: 2, 3, 4, 8; a byte each all the same (default: 8)',
      option.weightBits,
    )
    .option(
      '--activation-bits <n>',
      'of the codes that int8 layers read, with --mode static: 4, 8 (default: 8)',
      option.activationBits,
    )
    .addOption(
      option.choice('--method <name>', 'how ranges are chosen from the data (default: "auto")', METHOD_NAMES),
    )
    .option(
      '--percentile <p>',
      'for --method percentile, above 50 to 100 (default: 99.99)',
      option.finiteNumber,
    )
    .addOption(option.choice('--rounding <name>', 'rounding of accumulators', ROUNDINGS).default('half-up'))
    .addOption(
      option
        .choice('--weights <grid>', 'one scale an output feature or one a layer', [
          'per-channel',
          'per-tensor',
        ])
        .default('per-channel'),
    )
    .addOption(
      option
        .choice('--activations <grid>', 'uint8 with a zero point, or int8 around 0', [
          'asymmetric',
          'symmetric',
        ])
        .default('asymmetric'),
    )
    .addOption(
      option
        .choice('--inputs <grid>', 'one input scale or one a feature', ['per-tensor', 'per-feature'])
        .default('per-tensor'),
    )
    .addOption(
      option
        .choice('--output <dtype>', 'what the last layer writes', ['float32', 'int8', 'uint8'])
        .default('float32'),
    );
}

async function quantizeModel(path: string, flags: Flags, context: Context): Promise<Outcome> {
  checkFlags(path, flags);
  const source = await readFileBytes(path);
  using float = await MLP.load(sourceOf(path, source), loadOptions([source], flags.activation)[0]);
  if (flags.maxDrop !== undefined) checkGate(float, flags);
  const { model, calibration, options, found } = await made(float, flags, context);
  using quantized = quantize(model, calibration, options);
  const file = quantized.toBytes(flags.metadata && { metadata: flags.metadata });
  const evaluation =
    flags.test === undefined ? undefined : await compared(float, quantized, flags.test, flags, context);
  const problem = missedGate(evaluation, flags, found);
  context.signal?.throwIfAborted();
  if (problem === undefined) await writeFileAtomically(flags.output, file);
  return outcome(path, flags, {
    calibration,
    options,
    found,
    methods: model.graph.record.slice(float.graph.record.length),
    evaluation,
    nodes: nodeReports(quantized.graph),
    size: { floatBytes: source.length, quantizedBytes: file.length },
    problem,
  });
}

function compared(
  float: MLP,
  quantized: QuantizedMLP,
  path: string,
  { labels, scaleInput }: Flags,
  context: Context,
): Promise<Evaluation> {
  return withRows(path, float.inFeatures, scaleInput, (source) =>
    evaluateAll(source, { model: quantized, reference: float, labels }, context),
  );
}

/** Percentage points lost: of accuracy, or where there are no labels the rows whose argmax changed. */
function dropOf({ rows, model, reference, difference }: Evaluation): number | undefined {
  if (model.accuracy !== undefined) {
    return (100 * (reference!.accuracy!.correct - model.accuracy.correct)) / rows;
  }
  const { changedRows } = difference!;
  return changedRows === null ? undefined : (100 * changedRows) / rows;
}

function missedGate(
  evaluation: Evaluation | undefined,
  { maxDrop: wanted, output }: Flags,
  found: SearchResult | undefined,
): Problem | undefined {
  const maxDrop = wanted ?? (found && DEFAULT_MAX_DROP);
  const drop = evaluation && dropOf(evaluation);
  if (drop === undefined || maxDrop === undefined || drop <= maxDrop) return undefined;
  const message = `expected a drop of at most ${maxDrop} percentage points but received ${real(drop)}; '${output}' was not written`;
  return { code: 'ERR_GATE', message, exit: EXIT.gateMissed };
}

interface Findings {
  readonly options: QuantizeOptions;
  readonly found: SearchResult | undefined;
  /** What prepared the float model. */
  readonly methods: readonly RecordStep[];
  readonly calibration: Calibration | null;
  readonly evaluation: Evaluation | undefined;
  readonly nodes: readonly NodeReport[];
  readonly size: { readonly floatBytes: number; readonly quantizedBytes: number };
  readonly problem: Problem | undefined;
}

function outcome(path: string, flags: Flags, findings: Findings): Outcome {
  const { calibration, evaluation, nodes, size, problem, options, found, methods } = findings;
  const { output } = flags;
  const {
    mode,
    format = 'int8',
    bits,
    activationBits,
    rounding,
    weights = 'per-channel',
    activations,
    inputs,
  } = options;
  const groupSize = format === 'int4' ? (options.groupSize ?? DEFAULT_GROUP_SIZE) : undefined;
  const ratio = size.floatBytes / size.quantizedBytes;
  const settings = {
    mode,
    format: option.formatText(format),
    ...(groupSize !== undefined && { groupSize }),
    ...(bits !== undefined && { bits }),
    ...(activationBits !== undefined && { activationBits }),
    rounding,
    weights,
    activations,
    inputs,
    output: options.output,
  };
  return {
    report: {
      command: 'quantize',
      input: path,
      output,
      written: problem === undefined,
      settings,
      ...(found && { search: { chosen: found.name, untried: found.untried, results: found.results } }),
      ...(methods.length > 0 && { methods }),
      calibration,
      size: { ...size, ratio },
      nodes,
      evaluation: evaluation ? evaluationReport(evaluation) : null,
    },
    text: [
      ...(found ? [searchTable(found), ''] : []),
      nodeTable(nodes),
      '',
      fields([
        [
          'mode',
          `${mode}${formatNote(format, groupSize)}${bitsNote(bits, activationBits)}, rounding ${rounding}, weights ${weights}, activations ${activations}, inputs ${inputs}`,
        ],
        ['methods', methods.length > 0 ? methods.map(({ step }) => step).join(', ') : undefined],
        ['observer', calibration ? `${calibration.method}, ${plural(calibration.rows, 'row')}` : 'none'],
        ['size', `${bytes(size.floatBytes)} → ${bytes(size.quantizedBytes)} (${ratio.toFixed(2)}× smaller)`],
        ...(evaluation ? evaluationFields(evaluation, option.formatText(format)) : []),
        ['written', problem === undefined ? output : 'nothing'],
      ]),
    ].join('\n'),
    ...(problem && { problem }),
  };
}

/** Beside the mode: nothing for int8. */
function bitsNote(weights: number | undefined, activations: number | undefined): string {
  const note = (bits: number | undefined, of: string) => (bits === undefined ? '' : `, ${bits} bits${of}`);
  return note(weights, '') + note(activations, ' of activations');
}

function formatNote(format: Format, groupSize: number | undefined): string {
  if (groupSize !== undefined) return `, int4 in groups of ${groupSize}`;
  return format === 'int8' ? '' : `, ${option.formatText(format)}`;
}

function evaluationReport(evaluation: Evaluation): object {
  const { rows, model, reference, difference } = evaluation;
  return { rows, float: reference, quantized: model, ...difference, dropPoints: dropOf(evaluation) ?? null };
}

function evaluationFields(evaluation: Evaluation, format: string): [string, string | undefined][] {
  const { rows, model, reference, difference } = evaluation;
  const drop = dropOf(evaluation);
  const { agreementPercent, meanAbs, sqnrDb } = difference!;
  return [
    ['tested on', plural(rows, 'row')],
    [
      'accuracy',
      model.accuracy && `float ${accuracy(reference!.accuracy!)} → ${format} ${accuracy(model.accuracy)}`,
    ],
    ['agreement', agreement(agreementPercent)],
    ['drop', drop === undefined ? undefined : `${drop.toFixed(2)} percentage points`],
    ['difference', `mean ${real(meanAbs)}, SQNR ${sqnr(sqnrDb)}`],
  ];
}
