import { finiteExtent, includeZero, type Range, type RangeObserver } from './range';

/**
 * Exponential moving average of each batch's smallest and largest value:
 *
 *     r = momentum · r + (1 − momentum) · batch        the first batch initialises r
 *
 * in float64, over the batches as the user gave them. 0 is included at the end, not in each batch. A batch without
 * finite values changes nothing.
 */
export class MovingAverageObserver implements RangeObserver {
  readonly #momentum: number;
  #average: Range | undefined;
  #batchMin = Infinity;
  #batchMax = -Infinity;

  /** @param momentum in [0, 1) */
  constructor(momentum = 0.9) {
    this.#momentum = momentum;
  }

  observe(data: Float32Array): void {
    const { min, max } = finiteExtent(data);
    this.#batchMin = Math.min(this.#batchMin, min);
    this.#batchMax = Math.max(this.#batchMax, max);
  }

  endBatch(): void {
    this.#average = this.#withBatch();
    this.#batchMin = Infinity;
    this.#batchMax = -Infinity;
  }

  /** A batch that has not ended yet counts as it stands. */
  range(): Range {
    const { min, max } = this.#withBatch() ?? { min: 0, max: 0 };
    return includeZero(min, max);
  }

  #withBatch(): Range | undefined {
    const old = this.#average;
    const batch = { min: this.#batchMin, max: this.#batchMax };
    if (batch.min > batch.max) return old;
    if (old === undefined) return batch;
    const m = this.#momentum;
    return { min: m * old.min + (1 - m) * batch.min, max: m * old.max + (1 - m) * batch.max };
  }
}
