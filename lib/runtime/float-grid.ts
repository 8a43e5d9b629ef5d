import { expected } from '../errors';
import { checkFloats } from './checks';
import { callNative, type NativeFloatGrid } from './native';

/** The numbers ± j·2^(e − mantissa) up to `limit`, j < 2^(mantissa+1), e ≥ minExponent, times B / numerator. */
export interface FloatFormat extends Readonly<NativeFloatGrid> {}

/**
 * Each value's nearest number of a floating grid, ties to even, row by row (docs/numerics.md, "Float8"):
 *
 *     t = min((|x|·A)/B, limit)    e = max(exponent of t, minExponent)
 *     q = rne(t·2^(M−e))·2^(e−M)   y = ± fl((q·B)/A)
 *
 * The sign is x's, also of 0; ±Infinity gives ± the largest number, NaN gives NaN.
 *
 * @param denominators B: one, or one a row of x
 * @param options.scaled false: ± q itself, which float32 holds exactly
 * Errors: ERR_DTYPE, ERR_SHAPE, ERR_ARGUMENT (B is not positive and finite, or the largest number is not finite).
 */
export function roundToGrid(
  x: Float32Array,
  format: FloatFormat,
  denominators: Float32Array,
  options: { scaled?: boolean; out?: Float32Array } = {},
): Float32Array {
  checkFloats('x', x);
  checkFloats('denominators', denominators);
  const { scaled = true, out = new Float32Array(x.length) } = options;
  checkFloats('out', out);
  return callNative((addon) => addon.roundToGrid(x, format, denominators, scaled, out));
}

/**
 * Σ (y − x)² of each row in float64: 8 partial sums, k mod 8, ascending, combined (i, i+4), (i, i+2), (i, i+1).
 * Errors: as `roundToGrid`.
 */
export function gridErrors(
  x: Float32Array,
  format: FloatFormat,
  denominators: Float32Array,
  errors: Float64Array = new Float64Array(denominators.length),
): Float64Array {
  checkFloats('x', x);
  checkFloats('denominators', denominators);
  if (!(errors instanceof Float64Array)) throw expected('ERR_DTYPE', 'errors to be a Float64Array', errors);
  return callNative((addon) => addon.roundToGrid(x, format, denominators, true, errors));
}
