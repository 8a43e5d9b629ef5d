import { expected } from '../errors';
import { checkFloats } from '../runtime/checks';

/**
 * float32 → bfloat16 (its upper half), rounded to nearest, ties to even: 2.46392 → 2.46875. What is too large becomes
 * ±Infinity, as IEEE has it; NaN stays NaN. Errors: ERR_DTYPE.
 */
export function toBfloat16(x: Float32Array): Uint16Array {
  checkFloats('x', x);
  const bits = new Uint32Array(x.buffer, x.byteOffset, x.length);
  return Uint16Array.from(bits, (b) =>
    // A NaN whose upper half has no fraction would become Infinity.
    (b & 0x7fffffff) > 0x7f800000 ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16,
  );
}

/** bfloat16 → float32, exactly. Errors: ERR_DTYPE. */
export function fromBfloat16(halves: Uint16Array): Float32Array {
  if (!(halves instanceof Uint16Array)) throw expected('ERR_DTYPE', 'halves to be a Uint16Array', halves);
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
}
