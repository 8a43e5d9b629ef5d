/** Steps that are learned as parts of what they start with. */

/** Relative steps stay within these. */
const [LEAST, MOST] = [2 ** -8, 2 ** 8];

/**
 * s = fl(base·relative), relative 1 at the start. Optimizers move `relative`: Adam then moves all steps by the learning
 * rate times their size, whatever that is, and plain gradient descent moves s as LSQ does, its gradient being divided by
 * base for it.
 */
export class LearnedSteps {
  readonly base: Float32Array;
  readonly relative: Float32Array;
  /** Of s; filled by a backward pass. */
  readonly gradient: Float64Array;
  private readonly scaled: Float32Array;

  /** `scales`: what the gradient of each step is multiplied by; 0 for one that is not learned. */
  constructor(readonly scales: readonly number[]) {
    const count = scales.length;
    this.base = new Float32Array(count).fill(1);
    this.relative = new Float32Array(count).fill(1);
    this.gradient = new Float64Array(count);
    this.scaled = new Float32Array(count);
  }

  start(steps: ArrayLike<number>): void {
    this.base.set(steps);
    this.relative.fill(1);
  }

  step(i: number): number {
    return Math.fround(this.base[i]! * this.relative[i]!);
  }

  steps(): Float32Array {
    return this.base.map((base, i) => base * this.relative[i]!);
  }

  /** Where the grid that a step was wished for came out another. */
  correct(i: number, step: number): void {
    this.relative[i] = step / this.base[i]!;
  }

  /** The gradient that moves `relative`, from that of s; the latter begins anew. */
  takeGradient(): Float32Array {
    for (let i = 0; i < this.scaled.length; i++)
      this.scaled[i] = (this.gradient[i]! * this.scales[i]!) / this.base[i]!;
    this.gradient.fill(0);
    return this.scaled;
  }

  /** After an optimizer's step. */
  limit(): void {
    for (let i = 0; i < this.relative.length; i++)
      this.relative[i] = Math.min(Math.max(this.relative[i]!, LEAST), MOST);
  }
}
