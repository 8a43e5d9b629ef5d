import { type Command, InvalidArgumentError } from 'commander';
import type { Fallback } from '../compression/mixed-precision';
import type { Methods } from '../compression/pipeline';
import type { ScoreData } from '../compression/score';
import * as option from './options';
import { UsageError } from './outcome';

/** Flags of `quantize` that prepare the float model. */
export interface MethodFlags {
  readonly equalize?: boolean;
  readonly smoothQuant?: number;
  readonly correctBias?: boolean;
  readonly mixedPrecision?: Fallback;
}

/** As they are written, for messages. */
export const METHOD_FLAGS: Readonly<Record<keyof MethodFlags, string>> = {
  equalize: '--equalize',
  smoothQuant: '--smooth-quant',
  correctBias: '--correct-bias',
  mixedPrecision: '--mixed-precision',
};

export function addMethods(command: Command): Command {
  return command
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
  if (flags.mixedPrecision !== undefined && flags.maxDrop === undefined)
    throw new UsageError('expected --max-drop beside --mixed-precision');
}

/** What the pipeline is to do. `data`: the rows of --test. */
export function methodsOf(
  flags: MethodFlags,
  maxDrop: number | undefined,
  data: ScoreData | undefined,
): Methods {
  const { equalize, smoothQuant, correctBias, mixedPrecision } = flags;
  return {
    equalize,
    smoothQuant,
    correctBias,
    ...(mixedPrecision !== undefined && {
      mixedPrecision: { maxDrop: maxDrop!, fallback: mixedPrecision, ...(data && { data }) },
    }),
  };
}
