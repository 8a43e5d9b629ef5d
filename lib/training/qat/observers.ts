/** Weight of what was seen before against one more batch. */
const MOMENTUM = 0.999;

/**
 * Moving averages of the smallest and largest value of each batch: r = .999·r + .001·batch, rounded to float32; they begin
 * with ranges that were measured.
 */
export class MovingRanges {
  readonly low: Float32Array;
  readonly high: Float32Array;

  constructor(count: number) {
    this.low = new Float32Array(count);
    this.high = new Float32Array(count);
  }

  start(i: number, { min, max }: { min: number; max: number }): void {
    this.low[i] = min;
    this.high[i] = max;
  }

  /** A batch's smallest and largest value: real = scale·position, cut at what the value can be. */
  observe(
    i: number,
    values: Float32Array,
    scale: number,
    [lowest, highest]: readonly [number, number],
  ): void {
    let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let k = 0; k < values.length; k++) {
      const x = values[k]!;
      if (x < min) min = x;
      if (x > max) max = x;
    }
    if (!(min <= max)) return;
    const into = (x: number) => Math.min(Math.max(x * scale, lowest), highest);
    this.low[i] = MOMENTUM * this.low[i]! + (1 - MOMENTUM) * into(min);
    this.high[i] = MOMENTUM * this.high[i]! + (1 - MOMENTUM) * into(max);
  }

  range(i: number): { min: number; max: number } {
    return { min: Math.min(this.low[i]!, 0), max: Math.max(this.high[i]!, 0) };
  }
}
