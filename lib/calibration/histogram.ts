import { MAX_FLOAT32 } from '../quantization/float32';
import { finiteExtent } from './range';

/** Bins on each side of 0. */
export const SIDE = 8192;

/**
 * Counts of float32 values in 2·SIDE bins of equal width around 0; the data is read once.
 *
 *     width = 2^e, the smallest with every |x| < SIDE · width
 *     bin SIDE + i      holds x > 0 with floor( x/width) = i
 *     bin SIDE − 1 − i  holds x < 0 with floor(−x/width) = i        bin b starts at (b − SIDE) · width
 *
 * A value outside widens the bins: floor(floor(a/w)/2) = floor(a/2w), so merging pairs gives exactly the counts that
 * the wider bins would have had from the start, and the result depends on neither the order of the values nor on how
 * they were cut into batches. Division by a power of two is exact. The largest |x| always lies in the outer half, so the
 * resolution is finer than max|x|/4096.
 *
 * Exact zeros are counted apart: 0 is on every grid and has no error. ±Infinity and NaN are not counted.
 */
export class Histogram {
  readonly counts = new Float64Array(2 * SIDE);
  /** In real units. Below every float32 before the first value. */
  width = 2 ** -162;
  /** Exact zeros, of either sign. */
  zeros = 0;
  /** Counted values that are not 0. */
  nonzeros = 0;
  /** Exact extremes of the counted values and 0. */
  min = 0;
  max = 0;

  observe(data: Float32Array): void {
    this.#fit(data);
    const { counts } = this;
    const perUnit = 1 / this.width;
    let zeros = 0;
    let nonzeros = 0;
    for (let i = 0; i < data.length; i++) {
      const x = data[i]!;
      const magnitude = Math.abs(x);
      if (magnitude === 0) {
        zeros++;
      } else if (magnitude <= MAX_FLOAT32) {
        const bin = (magnitude * perUnit) | 0;
        counts[x > 0 ? SIDE + bin : SIDE - 1 - bin]! += 1;
        nonzeros++;
      }
    }
    this.zeros += zeros;
    this.nonzeros += nonzeros;
  }

  /** Widens the bins until every finite value of the data has one. */
  #fit(data: Float32Array): void {
    const { min, max } = finiteExtent(data);
    this.min = Math.min(this.min, min);
    this.max = Math.max(this.max, max);
    const largest = Math.max(-this.min, this.max);
    let doublings = 0;
    while (largest >= SIDE * this.width) {
      this.width *= 2;
      doublings++;
    }
    if (doublings > 0 && this.nonzeros > 0) this.#merge(doublings);
  }

  /** 2^doublings neighbours become one bin. Ascending i: the target is below i and has given away its own count. */
  #merge(doublings: number): void {
    const { counts } = this;
    const shift = Math.min(doublings, 31);
    for (let i = 1; i < SIDE; i++) {
      const target = i >> shift;
      counts[SIDE + target]! += counts[SIDE + i]!;
      counts[SIDE + i] = 0;
      counts[SIDE - 1 - target]! += counts[SIDE - 1 - i]!;
      counts[SIDE - 1 - i] = 0;
    }
  }
}
