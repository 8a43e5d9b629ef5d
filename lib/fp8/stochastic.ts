import { expected } from '../errors';
import { randomWords } from '../philox';
import { checkFloats, checkInteger } from '../runtime/checks';
import { cellOf, checkScaledFp8, type ScaledFp8 } from './cell';

/** Which of the random numbers of a seed are used: value i takes number `first` + i. */
export interface StochasticOptions {
  /** Default 0. */
  seed?: number;
  /** Default 0. */
  first?: number;
}

/**
 * Rounds to a neighbour on the grid by chance, so that the mean is the value itself:
 *
 *     step·(floor(x/step) + Bernoulli(x/step − floor(x/step)))
 *
 * `grid`: a step (the scale of integer codes: x is not clipped), or a float8 format (clipped to ±max; the neighbours are
 * the ends of the value's cell). Counter-based (Philox): the same seed gives the same numbers whatever the split into
 * calls. NaN and ±Infinity stay on a step; in a format Infinity becomes max.
 *
 * Errors: ERR_DTYPE, ERR_ARGUMENT.
 */
export function roundStochastic(
  x: Float32Array,
  grid: number | ScaledFp8,
  options: StochasticOptions = {},
): Float32Array {
  checkFloats('x', x);
  const { seed = 0, first = 0 } = options;
  checkInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  checkInteger('first', first, 0, Number.MAX_SAFE_INTEGER - x.length);
  const split = typeof grid === 'number' ? onSteps(grid) : onFormat(grid);
  const words = randomWords(seed, first);
  return x.map((value) => {
    const { step, position } = split(value);
    const below = Math.floor(position);
    // A word is a multiple of 2^−32 in [0, 1): below a fraction with just its probability, to 2^−32.
    const up = words.next().value * 2 ** -32 < position - below;
    return step * (up ? below + 1 : below);
  });
}

interface Split {
  readonly step: number;
  readonly position: number;
}

function onSteps(step: number): (x: number) => Split {
  if (!(step > 0 && step < Infinity)) throw expected('ERR_ARGUMENT', 'a step > 0 or a format', step);
  return (x) => ({ step, position: x / step });
}

/** Towards and away from 0. */
function onFormat(format: ScaledFp8): (x: number) => Split {
  checkScaledFp8(format);
  return (x) => {
    const { step, position } = cellOf(x, format);
    return { step: x < 0 ? -step : step, position };
  };
}
