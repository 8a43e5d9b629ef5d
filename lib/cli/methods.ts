import { type Command, InvalidArgumentError } from 'commander';
import type { Fallback } from '../compression/mixed-precision';
import type { Methods } from '../compression/pipeline';
import type { PruneUnit, Saliency } from '../compression/pruning/options';
import type { ScoreData } from '../compression/score';
import * as option from './options';
import { UsageError } from './outcome';

/** Flags of `quantize` that prepare the float model. */
export interface MethodFlags {
  readonly prune?: number;
  readonly pruneUnit?: PruneUnit;
  readonly pruneSaliency?: Saliency;
  readonly equalize?: boolean;
  readonly smoothQuant?: number;
  readonly gptq?: boolean;
  readonly adaRound?: boolean;
  readonly correctBias?: boolean;
  readonly mixedPrecision?: Fallback;
}

/** As they are written, for messages. */
export const METHOD_FLAGS: Readonly<Record<keyof MethodFlags, string>> = {
  prune: '--prune',
  pruneUnit: '--prune-unit',
  pruneSaliency: '--prune-saliency',
  equalize: '--equalize',
  smoothQuant: '--smooth-quant',
  gptq: '--gptq',
  adaRound: '--ada-round',
  correctBias: '--correct-bias',
  mixedPrecision: '--mixed-precision',
};

export function addMethods(command: Command): Command {
  return command
    .addOption(
      option
        .choice('--prune <share>', 'take out this share of the weights that matter least, 0 to 1', [])
        .argParser(share),
    )
    .addOption(
      option.choice('--prune-unit <unit>', 'what leaves at a time (default: block)', [
        'weight',
        'block',
        'neuron',
      ]),
    )
    .addOption(
      option.choice('--prune-saliency <name>', 'what a weight matters (default: obs)', [
        'magnitude',
        'obd',
        'obs',
      ]),
    )
    .option('--equalize', 'rescale features between layers, so that one weight scale a layer fits')
    .addOption(
      option
        .choice(
          '--smooth-quant [alpha]',
          'move outliers of activations into the weights; alpha is 0 to 1',
          [],
        )
        .preset('0.5')
        .argParser(alpha),
    )
    .option('--gptq', 'round weights column by column, each making up for those before it (few bits)')
    .option('--ada-round', 'learn which weights to round up and which down (few bits; slower)')
    .option('--correct-bias', 'take back how far quantized weights move the mean of each layer’s output')
    .addOption(
      option
        .choice(
          '--mixed-precision [fallback]',
          'the worst layers fall back until --max-drop holds on --test',
          ['float32', 'weight-only'],
        )
        .preset('float32'),
    );
}

function share(text: string): number {
  const value = option.finiteNumber(text);
  if (value < 0 || value >= 1) throw new InvalidArgumentError('Expected a number from 0 to below 1.');
  return value;
}

function alpha(text: string): number {
  const value = option.finiteNumber(text);
  if (value < 0 || value > 1) throw new InvalidArgumentError('Expected a number, 0 to 1.');
  return value;
}

const METHODS = Object.keys(METHOD_FLAGS) as (keyof MethodFlags)[];
/** Look at weights alone. */
const WITHOUT_ROWS: readonly (keyof MethodFlags)[] = ['equalize'];

/** The first of the flags that is given. */
export function givenMethod(flags: MethodFlags, among = METHODS): string | undefined {
  const given = among.find((key) => flags[key] !== undefined);
  return given && METHOD_FLAGS[given];
}

/** Errors: UsageError. */
export function checkMethods(
  flags: MethodFlags & { readonly calibrate?: string; readonly maxDrop?: number },
): void {
  const given = givenMethod(
    flags,
    METHODS.filter((key) => !WITHOUT_ROWS.includes(key)),
  );
  if (given !== undefined && flags.calibrate === undefined)
    throw new UsageError(`expected --calibrate beside ${given}`);
  for (const key of ['pruneUnit', 'pruneSaliency'] as const)
    if (flags[key] !== undefined && flags.prune === undefined)
      throw new UsageError(`expected --prune beside ${METHOD_FLAGS[key]}`);
  if (flags.gptq && flags.adaRound)
    throw new UsageError('expected one of --gptq and --ada-round but received both');
  if (flags.mixedPrecision !== undefined && flags.maxDrop === undefined)
    throw new UsageError('expected --max-drop beside --mixed-precision');
}

/** What the pipeline is to do. `data`: the rows of --test. */
export function methodsOf(
  flags: MethodFlags,
  maxDrop: number | undefined,
  data: ScoreData | undefined,
): Methods {
  const { equalize, smoothQuant, gptq, adaRound, correctBias, mixedPrecision } = flags;
  const { prune: sparsity, pruneUnit: unit = 'block', pruneSaliency: saliency = 'obs' } = flags;
  return {
    ...(sparsity !== undefined && { prune: { sparsity, unit, saliency } }),
    equalize,
    smoothQuant,
    rounding: gptq ? 'gptq' : adaRound ? 'adaRound' : undefined,
    correctBias,
    ...(mixedPrecision !== undefined && {
      mixedPrecision: { maxDrop: maxDrop!, fallback: mixedPrecision, ...(data && { data }) },
    }),
  };
}
