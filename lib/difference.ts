/** How far numbers are from those of a reference. */
export interface ValueDifference {
  readonly maxAbs: number;
  readonly meanAbs: number;
  /** 10·log10(Σ reference² / Σ (reference − x)²); Infinity where all are the same. */
  readonly sqnrDb: number;
  /** Σ reference·x / √(Σ reference² · Σ x²); 1 where both are all zeros. */
  readonly cosine: number;
  /** Share of numbers with equal bits. */
  readonly equalPercent: number;
}

/** Adds up differences as the numbers come. */
export class Difference {
  private count = 0;
  private equal = 0;
  private maxAbs = 0;
  private sumAbs = 0;
  private signal = 0;
  private noise = 0;
  private energy = 0;
  private product = 0;

  add(values: Float32Array, reference: Float32Array): void {
    for (let i = 0; i < values.length; i++) {
      const [x, r] = [values[i]!, reference[i]!];
      const error = Math.abs(x - r);
      this.maxAbs = Math.max(this.maxAbs, error);
      this.sumAbs += error;
      this.signal += r ** 2;
      this.energy += x ** 2;
      this.product += x * r;
      this.noise += error ** 2;
      if (Object.is(x, r)) this.equal++;
    }
    this.count += values.length;
  }

  result(): ValueDifference {
    const length = Math.sqrt(this.signal * this.energy);
    const bothZero = this.signal === 0 && this.energy === 0;
    return {
      maxAbs: this.maxAbs,
      meanAbs: this.sumAbs / this.count,
      sqnrDb: this.noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(this.signal / this.noise),
      cosine: bothZero ? 1 : this.product / length,
      equalPercent: (100 * this.equal) / this.count,
    };
  }
}

export interface Agreement {
  /** Rows whose argmax changed, and the share of the others; null with one output, which has no argmax. */
  readonly changedRows: number | null;
  readonly agreementPercent: number | null;
}

/** Counts rows whose argmax is another. */
export class ClassAgreement {
  private rows = 0;
  private changed = 0;

  constructor(private readonly features: number) {}

  add(outputs: Float32Array, reference: Float32Array): void {
    for (let i = 0; i < outputs.length; i += this.features) {
      if (argmax(outputs, i, this.features) !== argmax(reference, i, this.features)) this.changed++;
      this.rows++;
    }
  }

  result(): Agreement {
    if (this.features === 1) return { changedRows: null, agreementPercent: null };
    return {
      changedRows: this.changed,
      agreementPercent: (100 * (this.rows - this.changed)) / this.rows,
    };
  }
}

/** Index in the row of its largest number; of equal ones the first. */
export function argmax(outputs: Float32Array, start: number, features: number): number {
  let best = 0;
  for (let i = 1; i < features; i++) if (outputs[start + i]! > outputs[start + best]!) best = i;
  return best;
}
