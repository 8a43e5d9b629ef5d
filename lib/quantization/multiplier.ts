import { expected } from '../errors';

/** M = multiplier · 2^−shift; multiplier 0 or in [2^30, 2^31), shift 25…63. */
export interface Multipliers {
  readonly multiplier: Int32Array;
  readonly shift: Int32Array;
}

/** Multipliers are below this; `sy` is raised until they are. */
export const MAX_MULTIPLIER = 64;
/** The float32 number before it. */
export const LARGEST_MULTIPLIER = 64 - 2 ** -18;
/** Of the float32 numbers 2^−33 and 64: positive ones are in the order of their bits. */
const MIN_BITS = (127 - 33) << 23;
const MAX_BITS = (127 + 6) << 23;
const NEVER_SHIFT = 63;

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
  const bits = new Uint32Array(scales.buffer, scales.byteOffset, scales.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    if (b >= MIN_BITS && b < MAX_BITS) {
      multiplier[i] = ((b & 0x7fffff) | 0x800000) << 7;
      shift[i] = 30 - ((b >>> 23) - 127);
    } else {
      checkScale(scales[i]!);
      shift[i] = NEVER_SHIFT;
    }
  }
  return { multiplier, shift };
}

function checkScale(value: number): void {
  if (!(value >= 0 && value < MAX_MULTIPLIER)) throw expected('ERR_ARGUMENT', 'a scale in [0, 64)', value);
}
