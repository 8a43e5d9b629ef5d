import { expected } from '../errors';
import type { Fp8 } from '../layers/layer';
import type { Density } from './densities';
import { gridValues } from './format';
import { visitNodes } from './quadrature';

/** Integers of so many bits around 0: s = max/(2^(bits−1) − 1), codes −2^(bits−1) … 2^(bits−1) − 1. */
export interface IntegerFormat {
  readonly bits: number;
}

/** A float8 format or integers, to be scaled so that the largest value is the `max` that goes with it. */
export type GridFormat = Pick<Fp8, 'mantissa' | 'exponent'> | IntegerFormat;

/** What rounding values of a density to a grid costs; Q is the grid value nearest to x. */
export interface ExpectedError {
  /** E[(Q − x)²] = rounding + clipping */
  readonly mse: number;
  /** Its part from values inside the grid, and from values beyond its ends. */
  readonly rounding: number;
  readonly clipping: number;
  /** E[x(Q − x)] */
  readonly correlation: number;
  /** E[x²] */
  readonly secondMoment: number;
  /** −10·log10(mse) */
  readonly decibels: number;
}

/**
 * The expected error of a format whose largest value is `max`, integrated over the grid's cells and its two tails: no
 * sampling. Source: Kuzmin et al. 2022, "FP8 Quantization: The Power of the Exponent", section 3.
 *
 * Errors: ERR_ARGUMENT.
 */
export function expectedError(density: Density, format: GridFormat, max: number): ExpectedError {
  return errorOfGrid(density, signedGrid(format, max));
}

/** The same of a grid of any values, ascending. */
export function errorOfGrid(density: Density, grid: Float64Array): ExpectedError {
  const sums = { rounding: 0, clipping: 0, correlation: 0, secondMoment: 0 };
  const ends = [
    [density.min, density.massAtMin],
    [density.max, density.massAtMax],
  ] as const;
  /** Values in [from, to) become g. */
  const addCell = (part: 'rounding' | 'clipping', g: number, from: number, to: number): void => {
    const addMass = (x: number, mass: number): void => {
      sums[part] += mass * (g - x) ** 2;
      sums.correlation += mass * x * (g - x);
      sums.secondMoment += mass * x * x;
    };
    const [a, b] = [Math.max(from, density.min), Math.min(to, density.max)];
    visitNodes(a, b, density.width, (x, weight) => addMass(x, weight * density.pdf(x)));
    for (const [x, mass] of ends) if (mass > 0 && x >= from && x < to) addMass(x, mass);
  };
  const last = grid.length - 1;
  addCell('clipping', grid[0]!, Number.NEGATIVE_INFINITY, grid[0]!);
  grid.forEach((g, i) => {
    const from = i === 0 ? g : (grid[i - 1]! + g) / 2;
    const to = i === last ? g : (g + grid[i + 1]!) / 2;
    addCell('rounding', g, from, to);
  });
  addCell('clipping', grid[last]!, grid[last]!, Infinity);
  const mse = sums.rounding + sums.clipping;
  return { mse, ...sums, decibels: -10 * Math.log10(mse) };
}

/**
 * The `max` with the smallest expected error, between 1/64 and 4 times the density's farthest end: the ones that put
 * this end on a value of the grid (mass may sit there), 48 an octave, since the error of a float grid comes again with
 * each, then twice 32 around the best.
 */
export function bestMax(density: Density, format: GridFormat): { max: number; error: ExpectedError } {
  const farthest = Math.max(Math.abs(density.min), Math.abs(density.max));
  let best = { max: farthest, error: expectedError(density, format, farthest) };
  const attempt = (max: number): void => {
    const error = expectedError(density, format, max);
    if (error.mse < best.error.mse) best = { max, error };
  };
  for (const value of signedGrid(format, 1)) if (value >= 1 / 4) attempt(farthest / value);
  let [from, octaves, steps] = [farthest / 64, 8, 8 * 48];
  for (let pass = 0; pass < 3; pass++) {
    for (let i = 0; i <= steps; i++) attempt(from * 2 ** ((octaves * i) / steps));
    const step = octaves / steps;
    [from, octaves, steps] = [best.max * 2 ** -step, 2 * step, 32];
  }
  return best;
}

/**
 * The expected squared error of one product in a dot product of independent, quantized factors:
 *
 *     E[(QxQy − xy)²] = Rx·M2y + Ry·M2x + Rx·Ry + 2·Sx·Sy + 2·Rx·Sy + 2·Ry·Sx
 *
 * R = mse, S = correlation, M2 = secondMoment. With factors of mean 0 the error of a sum of n products is n times it.
 * `sqnrDb` = 10·log10(M2x·M2y / error). Source: as `expectedError`.
 */
export function expectedProductError(x: ExpectedError, y: ExpectedError): { mse: number; sqnrDb: number } {
  const [rx, ry, sx, sy] = [x.mse, y.mse, x.correlation, y.correlation];
  const mse = rx * y.secondMoment + ry * x.secondMoment + rx * ry + 2 * sx * sy + 2 * rx * sy + 2 * ry * sx;
  return { mse, sqnrDb: 10 * Math.log10((x.secondMoment * y.secondMoment) / mse) };
}

/** All values of a format, ascending. Errors: ERR_ARGUMENT. */
function signedGrid(format: GridFormat, max: number): Float64Array {
  if (!(max > 0 && max < Infinity)) throw expected('ERR_ARGUMENT', 'max to be a finite number > 0', max);
  if ('bits' in format) return integerGrid(format.bits, max);
  const positive = gridValues({ ...format, max });
  const grid = new Float64Array(2 * positive.length - 1);
  positive.forEach((value, i) => {
    grid[positive.length - 1 + i] = value;
    grid[positive.length - 1 - i] = -value;
  });
  return grid;
}

function integerGrid(bits: number, max: number): Float64Array {
  if (!(Number.isInteger(bits) && bits >= 2 && bits <= 16))
    throw expected('ERR_ARGUMENT', 'bits to be an integer in [2, 16]', bits);
  const half = 2 ** (bits - 1);
  return Float64Array.from({ length: 2 * half }, (_, i) => ((i - half) * max) / (half - 1));
}
