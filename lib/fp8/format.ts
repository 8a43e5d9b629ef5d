/**
 * What numbers a float8 format has. A format of M mantissa and E exponent bits beside the sign, code k ≥ 0:
 *
 *     q(k) = k·2^(emin − M)                                  k < 2^M: subnormal
 *     q(k) = (2^M + k mod 2^M)·2^(emin + ⌊k/2^M⌋ − 1 − M)    else
 *     number = q·B / A
 *
 * { mantissa, exponent, max }: emin = M + 2 − 2^E, A = 2^(M+1) − 1 is the largest q, B = max. Neither Infinity nor NaN.
 * Storage formats with a scale: A = 1, B = scale; E4M3FN: emin −6, largest q 448; E5M2: emin −14, largest q 57344.
 * Source: docs/numerics.md, "Float8"; Kuzmin et al., "FP8 Quantization: The Power of the Exponent" (2022).
 */
import { expected } from '../errors';
import type { Fp8 } from '../layers/layer';
import { MAX_FLOAT32 } from '../quantization/float32';
import { checkInteger, checkOptionKeys, checkWord } from '../runtime/checks';
import type { FloatFormat } from '../runtime/float-grid';

/** OCP formats that files store: a code a byte, by the rules of ONNX. */
export type StorageFormat = 'e4m3fn' | 'e5m2';
/** Any float8 format: a storage format, or bits of mantissa and exponent. */
export type Fp8Format = StorageFormat | Fp8;

export const STORAGE_FORMATS: readonly StorageFormat[] = ['e4m3fn', 'e5m2'];

const STORAGE: Readonly<Record<StorageFormat, Fp8FormatInfo>> = {
  e4m3fn: { mantissa: 3, exponent: 4, minExponent: -6, limit: 448, numerator: 1, codes: 127 },
  e5m2: { mantissa: 2, exponent: 5, minExponent: -14, limit: 57344, numerator: 1, codes: 124 },
};

/** A format as numbers: what the native operator takes, and its size. */
export interface Fp8FormatInfo extends FloatFormat {
  readonly exponent: number;
  /** How many of the numbers are ≥ 0. */
  readonly codes: number;
}

export function isStorageFormat(format: unknown): format is StorageFormat {
  return STORAGE_FORMATS.includes(format as StorageFormat);
}

/** Whether a format is one of this page: 'e4m3fn', 'e5m2', or bits of mantissa and exponent. */
export function isFp8Format(format: unknown): format is Fp8Format {
  return isStorageFormat(format) || (typeof format === 'object' && format !== null);
}

/**
 * Errors: ERR_ARGUMENT: expected 'e4m3fn', 'e5m2' or { mantissa: 0…6, exponent: 1…7, max? } of at most 8 bits with the
 * sign and a max that is a positive float32.
 */
export function checkFp8Format(name: string, format: unknown): asserts format is Fp8Format {
  if (typeof format !== 'object' || format === null) {
    checkWord(name, format, STORAGE_FORMATS);
    return;
  }
  checkOptionKeys(name, format, ['mantissa', 'exponent', 'max']);
  const { mantissa, exponent, max } = format as Fp8;
  checkInteger(`mantissa of ${name}`, mantissa, 0, 6);
  checkInteger(`exponent of ${name}`, exponent, 1, 7 - mantissa);
  if (max !== undefined) checkMax(`max of ${name}`, max);
}

/** A largest number: positive, and not 0 or infinite as float32. Errors: ERR_ARGUMENT. */
export function checkMax(name: string, max: unknown): asserts max is number {
  const rounded = typeof max === 'number' ? Math.fround(max) : Number.NaN;
  if (!(rounded > 0 && rounded <= MAX_FLOAT32))
    throw expected('ERR_ARGUMENT', `${name} to be a positive finite float32`, max);
}

/** The numbers that define a format. Errors: ERR_ARGUMENT. */
export function formatInfo(format: Fp8Format): Fp8FormatInfo {
  checkFp8Format('format', format);
  if (typeof format === 'string') return STORAGE[format];
  const { mantissa, exponent } = format;
  const largest = 2 ** (mantissa + 1) - 1;
  return {
    mantissa,
    exponent,
    minExponent: mantissa + 2 - 2 ** exponent,
    limit: largest,
    numerator: largest,
    codes: 2 ** (mantissa + exponent),
  };
}

/** The largest number at the bias 2^(E−1): (2 − 2^−M)·2^(2^(E−1) − 1). 3.9375 for 5M2E, 15.5, 240, 57344 for 2M5E. */
export function defaultMax({ mantissa, exponent }: Fp8): number {
  return (2 - 2 ** -mantissa) * 2 ** (2 ** (exponent - 1) - 1);
}

/** What numbers are multiplied by: B. Default: `max` of the format or its default, scale 1 of a storage format. */
export function formatDenominator(format: Fp8Format): number {
  return typeof format === 'string' ? 1 : Math.fround(format.max ?? defaultMax(format));
}

/** q(k) for k = 0 … codes − 1: exact. */
export function gridNumbers({ mantissa, minExponent, codes }: Fp8FormatInfo): Float64Array {
  const normal = 2 ** mantissa;
  return Float64Array.from({ length: codes }, (_, k) => {
    if (k < normal) return k * 2 ** (minExponent - mantissa);
    const exponent = minExponent + Math.floor(k / normal) - 1;
    return (normal + (k % normal)) * 2 ** (exponent - mantissa);
  });
}

/**
 * All numbers ≥ 0 of a format in order, in float64: (q·B)/A, 0 first, the largest last. 128 for 8 bits, 127 for E4M3FN,
 * 124 for E5M2. `denominator`: the largest number, or the scale of a storage format.
 *
 * Errors: ERR_ARGUMENT.
 */
export function gridValues(format: Fp8Format, denominator = formatDenominator(format)): Float64Array {
  const info = formatInfo(format);
  checkMax('the largest number or scale', denominator);
  const b = Math.fround(denominator);
  return gridNumbers(info).map((q) => (q * b) / info.numerator);
}

/** '3m4e' for { mantissa: 3, exponent: 4 }. */
export function formatName(format: Fp8Format): string {
  return typeof format === 'string' ? format : `${format.mantissa}m${format.exponent}e`;
}
