import { expected, RequantError } from '../errors';
import { roundHalfEven } from './affine';

/** real = scale · (code − zeroPoint), codes min…max. A scale a row of `values` [rows, ·], or one. */
export interface IntegerGrid {
  readonly scale: number | Float32Array;
  readonly zeroPoint?: number;
  readonly min: number;
  readonly max: number;
}

/** Any other grid: reals min…max, and the nearest of its numbers for a real between them. */
export interface RoundedGrid {
  /** The nearest number of the grid. */
  readonly round: (x: number) => number;
  readonly min: number;
  readonly max: number;
}

/** What a grid does to numbers x, told apart: xc = clamp(x) to the grid's ends, Q the grid's number for it. */
export interface QuantizationError {
  /** Mean of (Q − xc)². */
  readonly rounding: number;
  /** Mean of (xc − x)². */
  readonly clipping: number;
  /** Mean of (Q − x)²: the sum of both, as the ends are on the grid. */
  readonly total: number;
  /** 10·log10(mean x² / total); Infinity where all numbers are on the grid. */
  readonly sqnrDb: number;
  /** Share of the numbers beyond the grid's ends, in [0, 1]. */
  readonly saturated: number;
}

/**
 * Rounding and clipping errors of numbers on a grid, reported apart: a narrower range costs clipping, a wider one
 * rounding, ≈ scale²/12 for evenly spread numbers. In float64, whatever rounding the codes themselves come from.
 *
 * Errors: ERR_DTYPE, ERR_SHAPE (values are no whole rows), ERR_ARGUMENT (the grid), ERR_NAN_INPUT.
 */
export function quantizationError(values: Float32Array, grid: IntegerGrid | RoundedGrid): QuantizationError {
  if (!(values instanceof Float32Array)) throw expected('ERR_DTYPE', 'values to be a Float32Array', values);
  const rows = rowGrids(grid);
  const length = values.length / rows.length;
  if (!Number.isInteger(length))
    throw expected('ERR_SHAPE', `values in ${rows.length} rows, one a scale`, values.length);
  let [signal, rounding, clipping, saturated] = [0, 0, 0, 0];
  for (const [n, { round, min, max }] of rows.entries()) {
    for (let i = n * length; i < (n + 1) * length; i++) {
      const x = values[i]!;
      if (Number.isNaN(x))
        throw new RequantError('ERR_NAN_INPUT', `expected numbers but received NaN at ${i}`);
      signal += x * x;
      if (x < min || x > max) {
        const end = x < min ? min : max;
        clipping += (x - end) ** 2;
        saturated++;
      } else {
        rounding += (round(x) - x) ** 2;
      }
    }
  }
  const count = Math.max(values.length, 1);
  const total = rounding + clipping;
  return {
    rounding: rounding / count,
    clipping: clipping / count,
    total: total / count,
    sqnrDb: total === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / total),
    saturated: saturated / count,
  };
}

function rowGrids(grid: IntegerGrid | RoundedGrid): RoundedGrid[] {
  const { min, max } = grid ?? {};
  if (!(Number.isFinite(min) && Number.isFinite(max) && min <= max))
    throw expected(
      'ERR_ARGUMENT',
      'a grid with finite min ≤ max',
      grid === undefined ? grid : `${min}, ${max}`,
    );
  if ('round' in grid) return [grid];
  const { scale, zeroPoint = 0 } = grid;
  const scales = typeof scale === 'number' ? [scale] : [...scale];
  const bad = scales.find((s) => !(s > 0 && Number.isFinite(s)));
  if (bad !== undefined || scales.length === 0)
    throw expected('ERR_ARGUMENT', 'a grid with scales above 0', bad);
  return scales.map((s) => ({
    round: (x) => s * roundHalfEven(x / s),
    min: s * (min - zeroPoint),
    max: s * (max - zeroPoint),
  }));
}
