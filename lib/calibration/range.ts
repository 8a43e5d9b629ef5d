import { MAX_FLOAT32 } from '../quantization/float32';

/** A closed interval in real units. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/**
 * Takes the data of one value and ends with its range. ±Infinity and NaN are not counted (the driver refuses NaN);
 * without any finite data the range is [0, 0].
 */
export interface RangeObserver {
  /** Data in any shape; copied from, never kept. */
  observe(data: Float32Array): void;
  /** Marks the end of a batch as the user gave it, which may have been observed in several parts. */
  endBatch?(): void;
  /** Includes 0; both ends are float32 values. */
  range(): Range;
}

/** The smallest range of float32 values around [min, max] (rounded to nearest) and 0. Never −0. */
export function includeZero(min: number, max: number): Range {
  return { min: Math.fround(Math.min(min, 0)) + 0, max: Math.fround(Math.max(max, 0)) + 0 };
}

/** Smallest and largest finite element; { Infinity, −Infinity } where there is none. */
export function finiteExtent(data: Float32Array): Range {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < data.length; i++) {
    const x = data[i]!;
    if (x < min && x >= -MAX_FLOAT32) min = x;
    if (x > max && x <= MAX_FLOAT32) max = x;
  }
  return { min, max };
}
