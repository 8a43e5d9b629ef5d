import { expected } from '../errors';

/** M = multiplier · 2^−shift; multiplier 0 or in [2^30, 2^31), shift 25…63. */
export interface Multipliers {
  readonly multiplier: Int32Array;
  readonly shift: Int32Array;
}

/** Multipliers are below this; `sy` is raised until they are. */
export const MAX_MULTIPLIER = 64;
const MIN_MULTIPLIER = 2 ** -33;
const NEVER = { multiplier: 0, shift: 63 };

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * Fixed-point form of real multipliers, exact: m is the float32 mantissa shifted left by 7, so that
 * M = 1.f · 2^e = (2^23·1.f · 2^7) · 2^−(30 − e). Values below 2^−33 become 0.
 *
 * Errors: ERR_ARGUMENT for a negative or non-finite value and for one of 64 or more.
 */
export function multiplierFromScale(scale: number | Float32Array): Multipliers {
  const scales = typeof scale === 'number' ? Float32Array.of(scale) : scale;
  if (!(scales instanceof Float32Array))
    throw expected('ERR_DTYPE', 'scale to be a number or a Float32Array', scale);
  const multiplier = new Int32Array(scales.length);
  const shift = new Int32Array(scales.length);
  scales.forEach((value, i) => {
    const fixed = toFixedPoint(value);
    multiplier[i] = fixed.multiplier;
    shift[i] = fixed.shift;
  });
  return { multiplier, shift };
}

function toFixedPoint(value: number): { multiplier: number; shift: number } {
  if (!(value >= 0 && value < MAX_MULTIPLIER)) throw expected('ERR_ARGUMENT', 'a scale in [0, 64)', value);
  if (value < MIN_MULTIPLIER) return NEVER;
  float[0] = value;
  const exponent = (bits[0]! >>> 23) - 127;
  const mantissa = (bits[0]! & 0x7fffff) | 0x800000;
  return { multiplier: mantissa << 7, shift: 30 - exponent };
}
