import { Histogram, SIDE } from './histogram';
import { includeZero, type Range, type RangeObserver } from './range';

/**
 * Clips both tails: max is the p-th percentile of all values, min the (100 − p)-th, zeros included in the count.
 * Exact for p = 100; otherwise within one bin of the histogram (max|x|/4096), values spread evenly inside a bin.
 */
export class PercentileObserver implements RangeObserver {
  readonly #histogram: Histogram;
  readonly #percentile: number;

  /**
   * @param percentile in (50, 100]
   * @param histogram of the data, where it has been observed already
   */
  constructor(percentile = 99.99, histogram = new Histogram()) {
    this.#percentile = percentile;
    this.#histogram = histogram;
  }

  observe(data: Float32Array): void {
    this.#histogram.observe(data);
  }

  range(): Range {
    const h = this.#histogram;
    const tail = ((100 - this.#percentile) / 100) * (h.nonzeros + h.zeros);
    const max = clipMagnitude(h, (i) => h.counts[SIDE + i]!, tail);
    const min = -clipMagnitude(h, (i) => h.counts[SIDE - 1 - i]!, tail);
    return includeZero(Math.max(min, h.min), Math.min(max, h.max));
  }
}

/** The magnitude with `tail` values of this sign beyond it; 0 where the sign has no more than `tail` values. */
function clipMagnitude(h: Histogram, count: (bin: number) => number, tail: number): number {
  let beyond = 0;
  for (let i = SIDE - 1; i >= 0; i--) {
    const here = count(i);
    if (beyond + here > tail) return (i + 1 - (tail - beyond) / here) * h.width;
    beyond += here;
  }
  return 0;
}
