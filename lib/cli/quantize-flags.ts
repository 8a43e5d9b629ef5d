import type { Observer } from '../calibration/types';
import type { ElementwiseName } from '../layers/elementwise';
import type { Format, Mode } from '../layers/layer';
import { isFp8Choice } from '../models/fp8-choice';
import type { MLP } from '../models/mlp';
import type { QuantizeOptions } from '../models/quantize';
import type { ActivationBits, WeightBits } from '../quantization/bits';
import type { GroupSize } from '../quantization/int4';
import { checkMethods, givenMethod, type MethodFlags } from './methods';
import { checkOutputPath } from './models';
import { formatText } from './options';
import { UsageError } from './outcome';
import type { SearchFlags } from './search';

export interface Flags extends MethodFlags, SearchFlags {
  readonly output: string;
  readonly calibrate?: string;
  readonly activation?: ElementwiseName;
  readonly method?: Observer;
  readonly percentile?: number;
  readonly mode: Mode;
  readonly format: Format;
  readonly groupSize?: GroupSize;
  readonly bits?: WeightBits;
  readonly activationBits?: ActivationBits;
  readonly rounding: NonNullable<QuantizeOptions['rounding']>;
  readonly weights: NonNullable<QuantizeOptions['weights']>;
  readonly activations: NonNullable<QuantizeOptions['activations']>;
  readonly inputs: NonNullable<QuantizeOptions['inputs']>;
  readonly outputs: NonNullable<QuantizeOptions['output']>;
  readonly scaleInput?: number;
  readonly test?: string;
  readonly labels?: string;
  readonly maxDrop?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Options that were written, not filled in. */
  readonly given: ReadonlySet<string>;
}

/** What the search chooses itself. */
const SEARCHED = [
  'format',
  'groupSize',
  'bits',
  'activationBits',
  'method',
  'percentile',
  'weights',
] as const;

function checkSearch(flags: Flags): void {
  if (!flags.search) {
    if (flags.budget !== undefined) throw new UsageError('expected --search beside --budget');
    return;
  }
  const chosen = SEARCHED.find((name) => flags.given.has(name));
  const option = chosen?.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
  const other = option === undefined ? givenMethod(flags) : `--${option}`;
  if (other !== undefined) throw new UsageError(`expected no ${other} beside --search, which chooses it`);
  for (const name of ['calibrate', 'test'] as const)
    if (flags[name] === undefined) throw new UsageError(`expected --${name} beside --search`);
}

export function checkFlags(path: string, flags: Flags): void {
  const needs = (option: string, given: unknown, other: string, present: boolean): void => {
    if (given !== undefined && !present) throw new UsageError(`expected ${other} beside ${option}`);
  };
  checkSearch(flags);
  checkMethods(flags);
  if (flags.mode === 'static' && flags.calibrate === undefined)
    throw new UsageError('expected --calibrate <data.npy>, which --mode static needs, but received none');
  if (flags.mode === 'static' && flags.format === 'int4')
    throw new UsageError('expected --mode dynamic or weight-only beside --format int4 but received static');
  if (flags.mode === 'dynamic' && isFp8Choice(flags.format))
    throw new UsageError(
      `expected --mode static or weight-only beside --format ${formatText(flags.format)} but received dynamic`,
    );
  if ((flags.gptq || flags.adaRound) && flags.format !== 'int8' && flags.format !== 'int4')
    throw new UsageError(
      `expected --format int8 or int4 beside ${flags.gptq ? '--gptq' : '--ada-round'} but received ${formatText(flags.format)}`,
    );
  needs('--group-size', flags.groupSize, '--format int4', flags.format === 'int4');
  needs('--bits', flags.bits, '--format int8', flags.format === 'int8');
  needs(
    '--activation-bits',
    flags.activationBits,
    '--format int8 and --mode static',
    flags.format === 'int8' && flags.mode === 'static',
  );
  needs('--method', flags.method, '--calibrate', flags.calibrate !== undefined);
  needs('--percentile', flags.percentile, '--method percentile', flags.method === 'percentile');
  needs('--labels', flags.labels, '--test', flags.test !== undefined);
  needs('--max-drop', flags.maxDrop, '--test', flags.test !== undefined);
  checkOutputPath(flags.output, [path, flags.calibrate, flags.test, flags.labels]);
}

/** Two single outputs never agree to the last bit, and there is no argmax to agree on. */
export function checkGate({ outFeatures }: MLP, { labels }: Flags): void {
  if (outFeatures === 1 && labels === undefined)
    throw new UsageError(
      'expected --labels beside --max-drop for a model of one output, which has no argmax',
    );
}
