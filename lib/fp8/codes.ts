/** Numbers of a format before they are scaled ↔ codes: sign, exponent and mantissa from the top. */
import type { Fp8FormatInfo } from './format';
import { gridNumbers } from './format';

/** The sign's bit: 2^(M+E), 128 in a format of 8 bits. */
export function signBit({ mantissa, exponent }: Fp8FormatInfo): number {
  return 2 ** (mantissa + exponent);
}

/**
 * Codes of numbers ± q, each one of the format's, as `roundToGrid` with `scaled: false` gives them. A float32's own
 * exponent and upper mantissa bits are the code of a normal number but for the bias.
 */
export function encodeNumbers(numbers: Float32Array, info: Fp8FormatInfo): Uint8Array<ArrayBuffer> {
  const { mantissa, minExponent } = info;
  const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  const sign = signBit(info);
  const smallestNormal = 2 ** minExponent;
  const perUnit = 2 ** (mantissa - minExponent);
  const shift = 23 - mantissa;
  const bias = (minExponent - 1 + 127) * 2 ** mantissa;
  const codes = new Uint8Array(numbers.length);
  for (let i = 0; i < codes.length; i++) {
    const magnitude = Math.abs(numbers[i]!);
    const code =
      magnitude < smallestNormal ? magnitude * perUnit : ((bits[i]! & 0x7fffffff) >>> shift) - bias;
    codes[i] = code + (bits[i]! >>> 31) * sign;
  }
  return codes;
}

/** Number of each code, 256 of them: NaN where a code is none of the format's. */
export function numberTable(info: Fp8FormatInfo): Float64Array {
  const numbers = gridNumbers(info);
  const sign = signBit(info);
  const table = new Float64Array(256).fill(Number.NaN);
  numbers.forEach((q, code) => {
    table[code] = q;
    table[code + sign] = -q;
  });
  return table;
}

/** The first code that is no number of the format: NaN or Infinity of a storage format, or bits above the sign. */
export function invalidCode(codes: Uint8Array, info: Fp8FormatInfo): number | undefined {
  const table = numberTable(info);
  for (let i = 0; i < codes.length; i++) if (Number.isNaN(table[codes[i]!]!)) return i;
  return undefined;
}
