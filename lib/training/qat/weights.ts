import type { Fp8Format } from '../../fp8/format';
import { formatInfo, isStorageFormat } from '../../fp8/format';
import { stepSlope } from '../../fp8/gradients';
import { gridDenominators, gridOfRows } from '../../fp8/grid';
import type { LayerQuantization } from '../../layers/layer';
import { maxWeightCode, type WeightBits } from '../../quantization/bits';
import type { Optimizer } from '../optimizer';
import type { LinearStage } from './backward';
import { clippedGradient } from './fp8';
import { LearnedSteps } from './learned-steps';
import { gradientScale, weightStepGradient } from './lsq';
import { type WeightStart, weightSteps } from './start';

/** How the weights of one layer are rounded: its grid, and what of it is learned. */
export interface WeightGrid {
  /** What is learned: steps, or largest numbers (scales) of float8. Empty where nothing is. */
  readonly steps: LearnedSteps | undefined;
  /** Bits of mantissa as a real number. */
  readonly mantissa?: Float32Array;
  start(weight: Float32Array): void;
  /** What `quantize` is to do with the layer now. */
  wish(): LayerQuantization;
  /** From the gradient of ŵ to that of w, in place; keeps those of the grid. */
  backward(weight: Float32Array, stage: LinearStage, gradient: Float32Array): void;
  learn(optimizer: Optimizer): void;
}

/** Codes ±(2^(bits − 1) − 1) with a step a row, or one. */
export class IntegerGrid implements WeightGrid {
  readonly steps: LearnedSteps;

  constructor(
    private readonly rows: number,
    inFeatures: number,
    private readonly bits: WeightBits,
    private readonly activationBits: 4 | 8,
    private readonly weightStart: WeightStart,
    /** Else max|w|/Qp, anew at each step. */
    private readonly isLearned: boolean,
  ) {
    const scale = gradientScale(inFeatures, maxWeightCode(bits));
    this.steps = new LearnedSteps(new Array<number>(rows).fill(scale));
  }

  start(weight: Float32Array): void {
    this.steps.start(weightSteps(weight, this.rows, maxWeightCode(this.bits), this.bits, this.weightStart));
  }

  wish(): LayerQuantization {
    const { bits, activationBits } = this;
    const scale = this.isLearned ? { scale: this.steps.steps() } : {};
    return { format: 'int8', mode: 'static', bits, activationBits, ...scale };
  }

  backward(weight: Float32Array, stage: LinearStage, gradient: Float32Array): void {
    // With max|w|/Qp nothing lies outside.
    if (!this.isLearned) return;
    const codes = stage.weight as Int8Array;
    const { gradient: steps } = this.steps;
    weightStepGradient(weight, codes, this.steps.steps(), maxWeightCode(this.bits), gradient, steps);
  }

  learn(optimizer: Optimizer): void {
    if (!this.isLearned) return;
    optimizer.update(this.steps.relative, this.steps.takeGradient());
    this.steps.limit();
  }
}

/** Float8 numbers with a largest number c (or scale) a row, or one; maybe learned bits of mantissa. */
export class Fp8WeightGrid implements WeightGrid {
  readonly steps: LearnedSteps;
  readonly mantissa?: Float32Array;
  private residual = 0;
  private readonly bits: number;

  constructor(
    private readonly rows: number,
    inFeatures: number,
    private readonly format: Fp8Format,
    private readonly isLearned: boolean,
    /** Bits of mantissa and exponent are learned, their sum staying as it is. */
    learnsFormat: boolean,
  ) {
    this.steps = new LearnedSteps(new Array<number>(rows).fill(gradientScale(inFeatures, 1)));
    const { mantissa, exponent } = formatInfo(format);
    this.bits = mantissa + exponent;
    if (learnsFormat && !isStorageFormat(format)) this.mantissa = Float32Array.of(mantissa);
  }

  start(weight: Float32Array): void {
    const rows = gridOfRows('weights', weight, this.rows, this.format);
    this.steps.start(gridDenominators(rows));
  }

  /** The format now: M rounded. */
  formatNow(): Fp8Format {
    if (this.mantissa === undefined) return this.format;
    const mantissa = Math.round(this.mantissa[0]!);
    return { mantissa, exponent: this.bits - mantissa };
  }

  wish(): LayerQuantization {
    const format = this.formatNow();
    const scale = this.isLearned ? { scale: this.steps.steps() } : {};
    return { format, mode: 'static', ...scale };
  }

  backward(weight: Float32Array, stage: LinearStage, gradient: Float32Array): void {
    const rounded = stage.weight as Float32Array;
    const length = weight.length / this.rows;
    if (!this.isLearned) return;
    const { limit, numerator } = formatInfo(this.formatNow());
    // The largest number is limit·B/numerator: 1·c, or limit·scale.
    const perStep = limit / numerator;
    for (let n = 0; n < this.rows; n++) {
      const [from, to] = [n * length, (n + 1) * length];
      const largest = Math.fround(this.steps.step(n) * perStep);
      const { inside, outside } = clippedGradient(
        weight.subarray(from, to),
        rounded.subarray(from, to),
        largest,
        gradient.subarray(from, to),
      );
      this.steps.gradient[n]! += (inside / largest + outside) * perStep;
      this.addResidual(inside);
    }
  }

  /** Σ dF·(F − x) inside, of weights or of what the layer reads: ∂L/∂M but for its slope. */
  addResidual(sum: number): void {
    this.residual += sum;
  }

  learn(optimizer: Optimizer): void {
    if (this.isLearned) {
      optimizer.update(this.steps.relative, this.steps.takeGradient());
      this.steps.limit();
    }
    if (this.mantissa === undefined) return;
    const mantissa = Math.round(this.mantissa[0]!);
    const slope = stepSlope({ mantissa, exponent: this.bits - mantissa });
    optimizer.update(this.mantissa, Float32Array.of(this.residual * slope));
    this.residual = 0;
    this.mantissa[0] = Math.min(Math.max(this.mantissa[0]!, 0), this.bits - 1);
  }
}

/** A layer that stays float32. */
export class NoGrid implements WeightGrid {
  readonly steps = undefined;
  start(): void {}
  wish(): LayerQuantization {
    return { format: 'float32' };
  }
  backward(): void {}
  learn(): void {}
}
