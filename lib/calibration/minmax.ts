import { finiteExtent, includeZero, type Range, type RangeObserver } from './range';

/** The smallest and the largest value seen: nothing is clipped, one outlier widens every step of the grid. */
export class MinMaxObserver implements RangeObserver {
  #min = 0;
  #max = 0;

  observe(data: Float32Array): void {
    const { min, max } = finiteExtent(data);
    this.#min = Math.min(this.#min, min);
    this.#max = Math.max(this.#max, max);
  }

  range(): Range {
    return includeZero(this.#min, this.#max);
  }
}
