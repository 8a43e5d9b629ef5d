import { allocateBytes } from './sizes';

/**
 * float16 (1 sign, 5 exponent, 10 fraction bits; little-endian) to float32, exactly; NaN payloads are kept.
 * @throws {RequantError} ERR_MEMORY
 */
export function widenFloat16(bytes: Uint8Array): Float32Array {
  return widen(bytes, float16ToFloat32Bits);
}

/**
 * bfloat16 (the upper half of a float32; little-endian) to float32, exactly.
 * @throws {RequantError} ERR_MEMORY
 */
export function widenBFloat16(bytes: Uint8Array): Float32Array {
  return widen(bytes, (half) => half << 16);
}

// Bits are written, not numbers: a signalling NaN that passes through a JavaScript number may change.
function widen(bytes: Uint8Array, toBits: (half: number) => number): Float32Array {
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bits = new Int32Array(allocateBytes(bytes.byteLength * 2).buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = toBits(source.getUint16(2 * i, true));
  return new Float32Array(bits.buffer);
}

function float16ToFloat32Bits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 127 - 15) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // Subnormal: fraction * 2^-24. Its leading one, at bit p = 31 - clz32, becomes float32's implied bit.
  const leading = 31 - Math.clz32(fraction);
  return sign | ((leading + 127 - 24) << 23) | ((fraction << (23 - leading)) & 0x7fffff);
}
