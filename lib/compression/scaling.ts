import { RequantError } from '../errors';
import type { LayerNormNode, LinearNode, RecordStep } from '../models/graph';
import type { MLP } from '../models/mlp';
import {
  type Changes,
  floatWeight,
  type LinearChange,
  linearNodes,
  type NormChange,
  rebuilt,
} from './rebuild';

/** Float64 weights of a model while methods scale them; rounded to float32 once, at the end. */
export class ScaledWeights {
  private readonly linears = new Map<LinearNode, ScaledLinear>();
  private readonly norms = new Map<LayerNormNode, NormChange>();

  constructor(private readonly model: MLP) {
    for (const node of linearNodes(model.graph)) refuseChosenScales(node);
  }

  of(node: LinearNode): ScaledLinear {
    const known = this.linears.get(node);
    if (known !== undefined) return known;
    const { values } = this.model.graph;
    const made = new ScaledLinear(node, values.get(node.output)!.features);
    this.linears.set(node, made);
    return made;
  }

  /** Rows n of the writer divided by factor[n], columns of the readers multiplied by it. */
  move(writer: LinearNode | LayerNormNode, readers: readonly LinearNode[], factor: Float64Array): void {
    if (writer.op === 'linear') this.of(writer).divideRows(factor);
    else this.divideNorm(writer, factor);
    for (const reader of readers) this.of(reader).multiplyColumns(factor);
  }

  rebuilt(step: RecordStep): MLP {
    const changes: [string, LinearChange | NormChange][] = [
      ...[...this.linears].map(([node, scaled]) => [node.name, scaled.change()] as [string, LinearChange]),
      ...[...this.norms].map(([node, change]) => [node.name, change] as [string, NormChange]),
    ];
    return rebuilt(this.model, new Map(changes) satisfies Changes, step);
  }

  private divideNorm(node: LayerNormNode, factor: Float64Array): void {
    const { gamma = new Float32Array(factor.length).fill(1), beta } = this.norms.get(node) ?? node;
    this.norms.set(node, {
      gamma: gamma.map((x, n) => x / factor[n]!),
      ...(beta && { beta: beta.map((x, n) => x / factor[n]!) }),
    });
  }
}

class ScaledLinear {
  private readonly weight: Float64Array;
  private readonly bias: Float64Array | undefined;
  private readonly inFeatures: number;

  constructor(
    node: LinearNode,
    private readonly outFeatures: number,
  ) {
    this.weight = Float64Array.from(floatWeight(node));
    this.bias = node.bias && Float64Array.from(node.bias);
    this.inFeatures = this.weight.length / outFeatures;
  }

  /** max|W[n, ·]| of each row. */
  rowMaxima(): Float64Array {
    return this.maxima(this.outFeatures, (i) => Math.floor(i / this.inFeatures));
  }

  /** max|W[·, k]| of each column. */
  columnMaxima(): Float64Array {
    return this.maxima(this.inFeatures, (i) => i % this.inFeatures);
  }

  divideRows(factor: Float64Array): void {
    for (let i = 0; i < this.weight.length; i++) this.weight[i]! /= factor[Math.floor(i / this.inFeatures)]!;
    for (let n = 0; n < (this.bias?.length ?? 0); n++) this.bias![n]! /= factor[n]!;
  }

  multiplyColumns(factor: Float64Array): void {
    for (let i = 0; i < this.weight.length; i++) this.weight[i]! *= factor[i % this.inFeatures]!;
  }

  change(): LinearChange {
    return {
      weight: Float32Array.from(this.weight),
      ...(this.bias && { bias: Float32Array.from(this.bias) }),
    };
  }

  private maxima(length: number, index: (i: number) => number): Float64Array {
    const maxima = new Float64Array(length);
    for (let i = 0; i < this.weight.length; i++) {
      const at = index(i);
      maxima[at] = Math.max(maxima[at]!, Math.abs(this.weight[i]!));
    }
    return maxima;
  }
}

/** Scaled weights do not fit a grid that was chosen for them before. */
function refuseChosenScales(node: LinearNode): void {
  if (node.quantization?.scale !== undefined)
    throw new RequantError(
      'ERR_UNSUPPORTED',
      `expected weights without chosen scales, which do not outlast scaling, but received those of '${node.name}': scale first`,
    );
}

/** 2^k nearest to x > 0 by ratio: the mantissa m of x = m·2^k rounds up from √2. */
export function nearestPowerOfTwo(x: number): number {
  let power = 1;
  while (power * 2 <= x) power *= 2;
  while (power > x) power /= 2;
  return x / power >= Math.SQRT2 ? power * 2 : power;
}

/** Factors beyond this are of features that hardly matter, and would take parameters out of float32. */
export const MAX_FACTOR = 2 ** 20;

/** √(a/b) in [1/MAX_FACTOR, MAX_FACTOR]; 1 where either is 0 or not finite. */
export function balance(a: number, b: number): number {
  const factor = Math.sqrt(a) / Math.sqrt(b);
  return a > 0 && b > 0 && Number.isFinite(factor) ? limited(factor) : 1;
}

export function limited(factor: number): number {
  return Math.min(Math.max(factor, 1 / MAX_FACTOR), MAX_FACTOR);
}
