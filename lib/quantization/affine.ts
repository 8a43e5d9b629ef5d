/**
 * Range → grid: which scale and zero point represent the reals in [min, max].
 *
 *     real = scale · (code − zeroPoint)
 *
 * Source: numerics.md, "Choosing scales and zero points". `fl` rounds to float32, `rne` to an integer, half to even.
 */
import { expected } from '../errors';

/** `scale` is a float32 value in [MIN_SCALE, MAX_SCALE]; `zeroPoint` is the code of the real number 0. */
export interface AffineParams {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Below this a range counts as the single value 0: scale 1. */
export const MIN_SCALE = 2 ** -100;
/** Larger scales are lowered to this one, so that products of scales stay finite. */
export const MAX_SCALE = 2 ** 126;

/**
 *     s = fl((max − min)/(qmax − qmin))        in float64 before fl, after min = min(min, 0), max = max(max, 0)
 *     z = rne(clamp(qmin − min/s, qmin, qmax))
 *
 * s < MIN_SCALE (a constant 0, or nearly) gives s = 1, z = qmin.
 *
 * @param min in real units; the range is extended to include 0
 * @param max in real units, ≥ min
 * @param qmin lowest code, for example −128 or 0
 * @param qmax highest code, for example 127 or 255
 * @throws ERR_ARGUMENT where a bound is not finite, min > max, or the codes are not integers in order
 */
export function asymmetricParams(min: number, max: number, qmin: number, qmax: number): AffineParams {
  checkRange(min, max);
  if (!(Number.isSafeInteger(qmin) && Number.isSafeInteger(qmax) && qmin < qmax)) {
    throw expected('ERR_ARGUMENT', 'integer codes qmin < qmax', `${qmin}, ${qmax}`);
  }
  const low = Math.min(min, 0);
  const high = Math.max(max, 0);
  const scale = limitScale((high - low) / (qmax - qmin));
  if (scale === undefined) return { scale: 1, zeroPoint: qmin };
  const real = Math.min(Math.max(qmin - low / scale, qmin), qmax);
  return { scale, zeroPoint: roundHalfEven(real) + 0 }; // + 0: never −0
}

/**
 *     s = fl(max(|min|, |max|)/127), z = 0         int8 codes −127…127, or another largest code than 127
 *
 * s < MIN_SCALE gives s = 1.
 *
 * @throws ERR_ARGUMENT where a bound is not finite or min > max
 */
export function symmetricParams(min: number, max: number, maxCode = 127): AffineParams {
  checkRange(min, max);
  const scale = limitScale(Math.max(Math.abs(min), Math.abs(max)) / maxCode);
  return { scale: scale ?? 1, zeroPoint: 0 };
}

/**
 * rne in float64: the nearest integer, a tie to the even one; the sign of 0 is kept (−0.3 → −0), NaN and ±Infinity stay.
 *
 * Between 2^52 and 2^53 float64 holds exactly the integers, so adding 2^52 to |x| < 2^52 is itself the rounding, and
 * IEEE addition breaks its ties to even. From 2^52 on every float64 is an integer.
 */
export function roundHalfEven(x: number): number {
  const magnitude = Math.abs(x);
  if (!(magnitude < TWO_52)) return x;
  const rounded = magnitude + TWO_52 - TWO_52;
  return x < 0 || Object.is(x, -0) ? -rounded : rounded;
}

const TWO_52 = 2 ** 52;

/** fl(scale) within the limits; undefined where it is too small to be a scale. */
function limitScale(scale: number): number | undefined {
  const rounded = Math.fround(Math.min(scale, MAX_SCALE));
  return rounded < MIN_SCALE ? undefined : rounded;
}

function checkRange(min: number, max: number): void {
  if (!(Number.isFinite(min) && Number.isFinite(max) && min <= max)) {
    throw expected('ERR_ARGUMENT', 'a range of finite numbers min ≤ max', `[${min}, ${max}]`);
  }
}
