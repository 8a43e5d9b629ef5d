/** Tensors of float8 numbers: which format, and the scales or largest numbers of its rows. */
import type { Fp8 } from '../layers/layer';
import { MIN_SCALE } from '../quantization/affine';
import { MAX_FLOAT32 } from '../quantization/float32';
import { roundToGrid } from '../runtime/float-grid';
import { encodeNumbers, numberTable } from './codes';
import {
  type Fp8Format,
  type Fp8FormatInfo,
  formatInfo,
  isStorageFormat,
  type StorageFormat,
} from './format';
import { largestPerRow } from './largest';

/** One scale or largest number, or one a row (a weight's output feature). */
export type Fp8Grid =
  | { readonly format: StorageFormat; readonly scale: Float32Array }
  | {
      readonly format: 'fp8';
      readonly mantissa: number;
      readonly exponent: number;
      readonly max: Float32Array;
    };

/** Weights [outFeatures, inFeatures], a code a byte. */
export type Fp8Weights = Fp8Grid & { readonly data: Uint8Array };

/** What scales and largest numbers may be: with the largest of them the largest number is still finite. */
export function denominatorBounds(format: StorageFormat | 'fp8'): { min: number; max: number } {
  return { min: MIN_SCALE, max: format === 'e4m3fn' ? 2 ** 119 : format === 'e5m2' ? 2 ** 112 : MAX_FLOAT32 };
}

/** 'e4m3fn', 'e5m2' or the bits of mantissa and exponent. */
export function formatOfGrid(grid: Fp8Grid): StorageFormat | Fp8 {
  if (grid.format !== 'fp8') return grid.format;
  return { mantissa: grid.mantissa, exponent: grid.exponent };
}

export function gridInfo(grid: Fp8Grid): Fp8FormatInfo {
  return formatInfo(formatOfGrid(grid));
}

/** B: the scales or largest numbers. */
export function gridDenominators(grid: Fp8Grid): Float32Array {
  return grid.format === 'fp8' ? grid.max : grid.scale;
}

/** The grid of these scales or largest numbers. */
export function gridWith(format: Fp8Format, denominators: Float32Array): Fp8Grid {
  if (isStorageFormat(format)) return { format, scale: denominators };
  return { format: 'fp8', mantissa: format.mantissa, exponent: format.exponent, max: denominators };
}

/** fl(largest / limit) for a storage format, else the largest number itself; within `denominatorBounds`. */
export function denominatorFor(format: Fp8Format, largest: number): number {
  const kind = isStorageFormat(format) ? format : 'fp8';
  const { min, max } = denominatorBounds(kind);
  const wished = kind === 'fp8' ? largest : largest / formatInfo(format).limit;
  return Math.fround(Math.min(Math.max(wished, min), max));
}

/**
 * The grid whose largest numbers are max|x| of each row; a row of zeros takes the largest of the others (1 if none).
 * Errors: ERR_ARGUMENT (NaN or Infinity).
 */
export function gridOfRows(name: string, x: Float32Array, rows: number, format: Fp8Format): Fp8Grid {
  return gridWith(
    format,
    largestPerRow(name, x, rows).map((largest) => denominatorFor(format, largest)),
  );
}

export function encodeRows(x: Float32Array, grid: Fp8Grid): Uint8Array<ArrayBuffer> {
  const info = gridInfo(grid);
  return encodeNumbers(roundToGrid(x, info, gridDenominators(grid), { scaled: false }), info);
}

/** fl((q·B)/A) of each code. */
export function decodeRows(weights: Fp8Weights): Float32Array<ArrayBuffer> {
  const info = gridInfo(weights);
  const table = numberTable(info);
  const denominators = gridDenominators(weights);
  const { data } = weights;
  const x = new Float32Array(data.length);
  const count = data.length / denominators.length;
  for (let i = 0; i < data.length; i++)
    x[i] = (table[data[i]!]! * denominators[Math.floor(i / count)]!) / info.numerator;
  return x;
}

export function isFp8Weights<W extends { readonly format: string }>(
  weight: W,
): weight is Extract<W, { readonly format: Fp8Grid['format'] }> {
  return weight.format === 'fp8' || isStorageFormat(weight.format);
}
