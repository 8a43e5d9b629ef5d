import { expected } from '../errors';
import { checkFloats, checkOptionKeys } from '../runtime/checks';
import { roundToGrid } from '../runtime/float-grid';
import { checkMax, type Fp8Format, formatDenominator, formatInfo } from './format';

/** Of `quantizeFp8`. */
export interface QuantizeFp8Options {
  /** Largest number of { mantissa, exponent }, or one a row. Default: the format's `max`, or that of the bias 2^(E−1). */
  max?: number | Float32Array;
  /** Scale of 'e4m3fn' and 'e5m2', or one a row. Default 1. */
  scale?: number | Float32Array;
  /** Receives the result; may not overlap x. Default a new array. */
  out?: Float32Array;
}

/**
 * Each value's nearest number of a float8 format, as float32: what a model that computes in float8 would see. ±Infinity
 * and what is too large become ± the largest number; NaN stays NaN; the sign stays, also of what becomes 0. Same bits on
 * every CPU. `x` is row-major with as many rows as `max` or `scale` is long.
 *
 * Errors: ERR_DTYPE, ERR_SHAPE, ERR_ARGUMENT.
 */
export function quantizeFp8(
  x: Float32Array,
  format: Fp8Format,
  options: QuantizeFp8Options = {},
): Float32Array {
  checkFloats('x', x);
  const info = formatInfo(format);
  const known = typeof format === 'string' ? 'scale' : 'max';
  checkOptionKeys('options', options, [known, 'out']);
  const { out } = options;
  return roundToGrid(x, info, denominators(known, options[known], format), out === undefined ? {} : { out });
}

function denominators(name: 'max' | 'scale', given: unknown, format: Fp8Format): Float32Array {
  if (given === undefined) return Float32Array.of(formatDenominator(format));
  if (given instanceof Float32Array) return given;
  if (typeof given !== 'number')
    throw expected('ERR_ARGUMENT', `${name} to be a number or a Float32Array`, given);
  checkMax(name, given);
  return Float32Array.of(given);
}
