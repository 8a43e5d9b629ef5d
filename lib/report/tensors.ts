import { type Histogram, SIDE } from '../calibration/histogram';
import { type IntegerGrid, quantizationError, type RoundedGrid } from '../quantization/grid-error';
import type { GridError, ReportHistogram } from './types';

/** Bars of a drawn histogram, about. */
const BARS = 72;

/** JSON has no Infinity: null where nothing differs. A model that answers nothing but zeros has no signal: NaN, −Infinity. */
export function decibelsOf(sqnrDb: number): number | null {
  if (sqnrDb === Number.POSITIVE_INFINITY) return null;
  return Number.isFinite(sqnrDb) ? sqnrDb : 0;
}

/** The fine histogram in few bars, each of a whole number of its bins: no bar is taller by chance. */
export function barsOf({ counts, width, min, max, zeros }: Histogram): ReportHistogram {
  const first = Math.floor(min / width) + SIDE;
  const last = Math.min(Math.floor(max / width) + SIDE, 2 * SIDE - 1);
  const merge = Math.max(1, Math.ceil((last - first + 1) / BARS));
  // A bar begins at 0, so that signs are kept apart.
  const begin = SIDE - merge * Math.ceil((SIDE - first) / merge);
  const bars = new Array<number>(Math.floor((last - begin) / merge) + 1).fill(0);
  for (let bin = Math.max(begin, 0); bin <= last; bin++)
    bars[Math.floor((bin - begin) / merge)]! += counts[bin]!;
  return { start: (begin - SIDE) * width, width: merge * width, counts: bars, zeros };
}

/**
 * The largest weight is the grid's end, but for the rounding of the scale to float32, relative 2^−24: where clipping costs
 * no more than that squared, nothing is clipped.
 */
const SCALE_ROUNDING = 2 ** -47;

/** Adds up the errors of values on their grids as they come. */
export class GridErrorSum {
  private values = 0;
  private signal = 0;
  private rounding = 0;
  private clipping = 0;
  private saturated = 0;

  /** `grids`: one, or one for each of as many rows. Errors: those of `quantizationError`. */
  add(values: Float32Array, grids: readonly (IntegerGrid | RoundedGrid)[]): this {
    const length = values.length / grids.length;
    for (const [row, grid] of grids.entries())
      this.addRow(values.subarray(row * length, (row + 1) * length), grid);
    return this;
  }

  private addRow(values: Float32Array, grid: IntegerGrid | RoundedGrid): void {
    const { rounding, clipping, saturated } = quantizationError(values, grid);
    const n = values.length;
    this.values += n;
    for (let i = 0; i < n; i++) this.signal += values[i]! ** 2;
    this.rounding += n * rounding;
    this.clipping += n * clipping;
    this.saturated += n * saturated;
  }

  result(): GridError {
    const n = Math.max(this.values, 1);
    const noise = this.rounding + this.clipping;
    const isClipped = this.clipping > SCALE_ROUNDING * this.signal;
    return {
      sqnrDb: noise === 0 ? null : decibelsOf(10 * Math.log10(this.signal / noise)),
      rounding: this.rounding / n,
      clipping: isClipped ? this.clipping / n : 0,
      saturated: isClipped ? (100 * this.saturated) / n : 0,
    };
  }
}

/** Widest over the median of the features that are not all 0: 1 where all are alike. */
export function spreadToMedian(maxima: Float64Array): number {
  const used = maxima.filter((max) => max > 0).sort();
  return used.length === 0 ? 1 : used.at(-1)! / used[used.length >> 1]!;
}

/** Widest over the narrowest of those that are not all 0. */
export function spreadToSmallest(maxima: Float64Array): number {
  const used = maxima.filter((max) => max > 0).sort();
  return used.length === 0 ? 1 : used.at(-1)! / used[0]!;
}
