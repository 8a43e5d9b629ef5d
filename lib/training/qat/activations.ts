import type { Graph } from '../../models/graph';
import type { Optimizer } from '../optimizer';
import { type ClippedGradient, clippedGradient } from './fp8';
import { LearnedSteps } from './learned-steps';
import { gradientScale, stepGradient } from './lsq';
import { MovingRanges } from './observers';
import { ALPHA_DECAY, clipGradient } from './pact';
import { boundsOf, type CodesGrid, type Program } from './program';
import { activationGrid, extent } from './start';

/** How weight scales and ranges of activations are found (the table in docs/training-quantized.md). */
export type Method = 'lsq' | 'pact' | 'ema';
export const METHODS: readonly Method[] = ['lsq', 'pact', 'ema'];

/** Of one range: a learned step, PACT's α, a moving average, or what was measured at the start (the model's input). */
type Rule = 'step' | 'alpha' | 'average' | 'fixed';

interface Slot {
  readonly rule: Rule;
  readonly features: number;
  /** Codes 0…levels; 0: float8. */
  readonly levels: number;
  readonly bounds: readonly [low: number, high: number];
}

/** The ranges of everything that is rounded between layers, by the names that a calibration has. */
export class Activations {
  readonly names: readonly string[];
  readonly steps: LearnedSteps;
  readonly moving: MovingRanges;
  /** Of grids of codes: stays as it was at the start. */
  readonly zeroPoints: Int32Array;
  private readonly slots: readonly Slot[];
  private readonly index: ReadonlyMap<string, number>;

  /** `program`: the graph's, whatever its ranges; `narrow`: the values of 4 bits. */
  constructor(float: Graph, program: Program, narrow: ReadonlySet<string>, method: Method) {
    const slots = new Map<string, Slot>();
    const add = (name: string, levels: number) => {
      const { features } = float.values.get(name)!;
      const bounds = boundsOf(float, name);
      const rule = ruleOf(method, name === float.input, levels > 0 && bounds[0] === 0);
      slots.set(name, { rule, features, levels, bounds });
    };
    for (const range of program.fp8Ranges.values()) add(range, 0);
    for (const grid of program.grids) if (grid) add(grid.range, narrow.has(grid.range) ? 15 : 255);
    this.names = [...slots.keys()];
    this.slots = [...slots.values()];
    this.index = new Map(this.names.map((name, i) => [name, i]));
    this.steps = new LearnedSteps(this.slots.map(scaleOf));
    this.moving = new MovingRanges(this.names.length);
    this.zeroPoints = new Int32Array(this.names.length);
  }

  /** From values that the float model gave: every value's at once. */
  start(values: ReadonlyMap<string, Float32Array>): void {
    const steps = this.slots.map(({ levels }, i) => {
      const x = values.get(this.names[i]!)!;
      const { min, max } = extent(x);
      if (levels === 0) {
        const largest = Math.max(-min, max) || 1;
        this.moving.start(i, { min: -largest, max: largest });
        return largest;
      }
      const { scale, zeroPoint } = activationGrid(x, levels);
      this.moving.start(i, { min: -zeroPoint * scale, max: (levels - zeroPoint) * scale });
      this.zeroPoints[i] = zeroPoint;
      return scale;
    });
    this.steps.start(steps);
  }

  /** [name, range] for a calibration: float32 ends, of which `quantize` makes the grids that are meant. */
  ranges(): [name: string, range: { min: number; max: number }][] {
    return this.slots.map(({ levels }, i) => [
      this.names[i]!,
      this.isLearned(i) ? this.rangeOfStep(i, levels) : this.moving.range(i),
    ]);
  }

  private rangeOfStep(i: number, levels: number): { min: number; max: number } {
    const step = this.steps.step(i);
    if (levels === 0) return { min: -step, max: step };
    const zero = this.zeroPoints[i]!;
    return { min: Math.fround(-zero * step) + 0, max: Math.fround((levels - zero) * step) };
  }

  /**
   * Takes over the grids that came out, before an update: a range may have been cut to what a function needs, or raised for
   * its multipliers.
   */
  correct(program: Program): void {
    for (const grid of program.grids) {
      if (grid === undefined) continue;
      const i = this.index.get(grid.range)!;
      const wished = this.steps.step(i);
      if (!this.isLearned(i) || Math.abs(grid.scale - wished) <= 1e-5 * wished) continue;
      this.steps.correct(i, grid.scale);
      this.zeroPoints[i] = grid.zeroPoint;
    }
  }

  private isLearned(i: number): boolean {
    const { rule } = this.slots[i]!;
    return rule === 'step' || rule === 'alpha';
  }

  /** Straight through a rounding to codes, in place. */
  backward(grid: CodesGrid, codes: Uint8Array, positions: Float32Array, gradient: Float32Array): void {
    const i = this.index.get(grid.range)!;
    const { rule } = this.slots[i]!;
    if (rule === 'alpha') this.steps.gradient[i]! += clipGradient(positions, gradient, grid.ends);
    else this.steps.gradient[i]! += stepGradient(codes, grid.zeroPoint, positions, gradient, grid.ends);
  }

  /** The same to float8 numbers: ∂F/∂c = (F − x)/c inside, sign(x) outside (lib/fp8/gradients.ts). */
  fp8Backward(
    range: string,
    x: Float32Array,
    rounded: Float32Array,
    gradient: Float32Array,
  ): ClippedGradient {
    const i = this.index.get(range)!;
    const largest = this.largest(i);
    const sums = clippedGradient(x, rounded, largest, gradient);
    this.steps.gradient[i]! += sums.inside / largest + sums.outside;
    return sums;
  }

  private largest(i: number): number {
    return this.isLearned(i) ? this.steps.step(i) : this.moving.high[i]!;
  }

  /** A batch of what was rounded, for the moving averages. */
  observe(range: string, values: Float32Array, scale: number): void {
    const i = this.index.get(range)!;
    const { rule, levels, bounds } = this.slots[i]!;
    if (rule !== 'average') return;
    this.moving.observe(i, values, scale, bounds);
    if (levels > 0) return;
    const largest = Math.max(-this.moving.low[i]!, this.moving.high[i]!);
    this.moving.start(i, { min: -largest, max: largest });
  }

  /** An update from the gradients of the last backward pass. */
  learn(optimizer: Optimizer): void {
    this.slots.forEach(({ rule, levels }, i) => {
      if (rule === 'alpha') this.steps.gradient[i]! += ALPHA_DECAY * levels ** 2 * this.steps.step(i);
    });
    optimizer.update(this.steps.relative, this.steps.takeGradient());
    this.steps.limit();
  }
}

/** What the gradient of a slot's step is multiplied by. PACT's α = levels·s moves as if it was the parameter itself. */
function scaleOf({ rule, features, levels }: Slot): number {
  if (rule === 'step') return gradientScale(features, Math.max(levels, 1));
  return rule === 'alpha' ? 1 / levels ** 2 : 0;
}

function ruleOf(method: Method, isInput: boolean, isPositive: boolean): Rule {
  if (method === 'ema') return 'average';
  if (isInput) return 'fixed';
  if (method === 'lsq') return 'step';
  return isPositive ? 'alpha' : 'average';
}
