import type { Calibration, JobOptions } from '../calibration/types';
import { allocateFloats } from '../formats/sizes';
import type { LinearNode } from '../models/graph';
import type { MLP } from '../models/mlp';
import { checkInteger } from '../runtime/checks';
import { callNative } from '../runtime/native';
import { checkJobOptions, type Job } from './job';
import type { LayerInputs } from './layer-inputs';
import { floatWeight } from './rebuild';
import { roundLayers } from './round-layers';
import { scaleIndex, WEIGHT_GRID_KEYS, type WeightGrid, type WeightGridOptions } from './weight-grid';

export interface AdaRoundOptions extends JobOptions, WeightGridOptions {
  /** Steps of the optimizer a layer. Default 300. */
  iterations?: number;
}

/** h = clip(ZETA·σ(V) − GAMMA, 0, 1): reaches 0 and 1 itself. */
const ZETA = 1.2;
const GAMMA = 0.1;
/** The regularizer's weight against the error per weight, which nearest rounding makes 1. */
const LAMBDA = 0.02;
/** Steps without the regularizer, as a part of all. */
const WARM_UP = 0.2;
/** β falls from the first to the last: at first only values near ½ are moved, in the end all. */
const BETA = { first: 20, last: 2 };
const LEARNING_RATE = 0.05;
const NEWTON_STEPS = 6;

/**
 * Learns whether each weight is rounded down or up, so that the layer's outputs on the kept rows change least:
 *
 *     ŵ = s·clamp(floor(w/s) + h(V), ±max),   h(V) = clip(1.2·σ(V) − .1, 0, 1)
 *     ‖WX − ŴX̂‖² + λ·Σ(1 − |2h − 1|^β)   → min over V, by Adam
 *
 * X̂ is what the layers rounded before show, X the float model's. In the end h becomes 0 or 1, and an output
 * feature for which nearest rounding does better keeps that. The result's weights lie on their grid, which `quantize`
 * keeps. All rows count in every step: nothing is random, and `seed` has no effect.
 *
 * Source: Nagel, Amjad, van Baalen, Louizos, Blankevoort 2020, "Up or down? Adaptive rounding for post-training
 * quantization". Errors: ERR_MODEL_KIND, ERR_ARGUMENT (options, no kept rows), ERR_SHAPE, ERR_MEMORY; an abort rejects with
 * `signal.reason`.
 */
export async function adaRound(
  model: MLP,
  calibration: Calibration,
  options: AdaRoundOptions = {},
): Promise<MLP> {
  checkJobOptions(options, [...WEIGHT_GRID_KEYS, 'iterations']);
  const { iterations = 300 } = options;
  checkInteger('iterations', iterations, 1, 1_000_000);
  return roundLayers(model, calibration, options, {
    step: 'adaRound',
    details: { iterations },
    round: (node, grid, inputs, job) =>
      learnRounding(new RoundingProblem(node, grid, inputs), iterations, job),
  });
}

async function learnRounding(layer: RoundingProblem, iterations: number, job: Job): Promise<Float32Array> {
  const nearest = layer.weights(layer.nearest());
  const unit = layer.distance(nearest);
  // No error to lower: all inputs 0, or every weight on the grid.
  if (!(unit > 0)) return nearest;
  const warmUp = Math.floor(WARM_UP * iterations);
  const v = layer.start();
  const adam = new Adam(layer.count);
  for (let step = 0; step < iterations; step++) {
    const progress = Math.max(step - warmUp, 0) / (iterations - warmUp);
    const beta = Math.round(BETA.first + (BETA.last - BETA.first) * progress);
    adam.step(v, layer.gradient(v, layer.count / unit, step < warmUp ? 0 : LAMBDA, beta));
    await job.yieldWhenDue();
  }
  const learned = layer.weights(layer.softness(v).h.map((h) => (h >= 0.5 ? 1 : 0)));
  return layer.better(learned, nearest);
}

/** One layer's. Arrays of weights are [outFeatures, inFeatures]; position = w/s = floor + fraction. */
class RoundingProblem {
  readonly count: number;
  private readonly weight: Float32Array;
  private readonly floor: Float32Array;
  private readonly fraction: Float32Array;
  private readonly scale: Float32Array;
  /** W·C: what ŴĜ is to become. */
  private readonly target: Float32Array;
  private readonly inFeatures: number;
  private readonly gram: Float32Array;

  constructor(node: LinearNode, grid: WeightGrid, { inFeatures, gram, cross }: LayerInputs) {
    this.weight = floatWeight(node);
    this.count = this.weight.length;
    this.inFeatures = inFeatures;
    this.gram = gram;
    this.floor = allocateFloats(this.count);
    this.fraction = allocateFloats(this.count);
    this.scale = allocateFloats(this.count);
    for (let i = 0; i < this.count; i++) {
      const scale = grid.scale[scaleIndex(grid, inFeatures, Math.floor(i / inFeatures), i % inFeatures)]!;
      // Beyond the grid's ends there is nothing to choose.
      const position = Math.min(Math.max(this.weight[i]! / scale, -grid.maxCode), grid.maxCode);
      this.scale[i] = scale;
      this.floor[i] = Math.min(Math.floor(position), grid.maxCode - 1);
      this.fraction[i] = position - this.floor[i]!;
    }
    this.target = this.product(this.weight, cross);
  }

  nearest(): Float32Array {
    return this.fraction.map((f) => (f >= 0.5 ? 1 : 0));
  }

  /** ŵ for h in [0, 1]. */
  weights(h: Float32Array): Float32Array {
    return h.map((up, i) => this.scale[i]! * (this.floor[i]! + up));
  }

  /** V with h(V) = fraction, by Newton's method for σ(V) = (fraction + GAMMA)/ZETA: no logarithm, so the same bits everywhere. */
  start(): Float32Array {
    const goal = this.fraction.map((f) => (f + GAMMA) / ZETA);
    let v = goal.map((p) => 4 * (p - 0.5));
    for (let i = 0; i < NEWTON_STEPS; i++) {
      const s = sigmoid(v);
      v = v.map((x, j) => x - (s[j]! - goal[j]!) / (s[j]! * (1 - s[j]!)));
    }
    return v;
  }

  /** h(V), and dh/dV: 0 where h is clipped. */
  softness(v: Float32Array): { h: Float32Array; slope: Float32Array } {
    const s = sigmoid(v);
    const h = s.map((x) => Math.min(Math.max(ZETA * x - GAMMA, 0), 1));
    const slope = s.map((x, i) => (h[i]! > 0 && h[i]! < 1 ? ZETA * x * (1 - x) : 0));
    return { h, slope };
  }

  /** By V, of factor·‖WX − ŴX̂‖² + lambda·Σ(1 − |2h − 1|^beta), beta an integer. */
  gradient(v: Float32Array, factor: number, lambda: number, beta: number): Float32Array {
    const { h, slope } = this.softness(v);
    const product = this.product(this.weights(h), this.gram);
    return slope.map((dh, i) => {
      if (dh === 0) return 0;
      const error = 2 * factor * this.scale[i]! * (product[i]! - this.target[i]!);
      const side = 2 * h[i]! - 1;
      const regularizer = 2 * lambda * beta * Math.sign(side) * power(Math.abs(side), beta - 1);
      return dh * (error - regularizer);
    });
  }

  /** ‖(W − Ŵ)X̂‖² */
  distance(weights: Float32Array): number {
    const difference = weights.map((w, i) => w - this.weight[i]!);
    const product = this.product(difference, this.gram);
    return difference.reduce((sum, d, i) => sum + d * product[i]!, 0);
  }

  /** Of each output feature, the weights with the smaller ‖WX − ŴX̂‖². */
  better(a: Float32Array, b: Float32Array): Float32Array {
    const [lossA, lossB] = [this.losses(a), this.losses(b)];
    return a.map((w, i) => {
      const n = Math.floor(i / this.inFeatures);
      return lossA[n]! <= lossB[n]! ? w : b[i]!;
    });
  }

  /** ‖WX − ŴX̂‖² of each output feature, but for what does not depend on ŵ: ŵĜŵᵀ − 2·(WC)ŵᵀ. */
  private losses(weights: Float32Array): Float64Array {
    const product = this.product(weights, this.gram);
    const losses = new Float64Array(this.count / this.inFeatures);
    for (let i = 0; i < this.count; i++) {
      losses[Math.floor(i / this.inFeatures)]! += weights[i]! * (product[i]! - 2 * this.target[i]!);
    }
    return losses;
  }

  /** weights·matrix, [outFeatures, inFeatures] · [inFeatures, inFeatures] */
  private product(weights: Float32Array, matrix: Float32Array): Float32Array {
    const k = this.inFeatures;
    const n = this.count / k;
    return callNative((addon) =>
      addon.floatProduct(weights, matrix, n, k, k, false, true, allocateFloats(this.count)),
    );
  }
}

/** Kingma & Ba 2015. */
class Adam {
  private readonly mean: Float32Array;
  private readonly square: Float32Array;
  private meanDecay = 1;
  private squareDecay = 1;

  constructor(count: number) {
    this.mean = allocateFloats(count);
    this.square = allocateFloats(count);
  }

  step(v: Float32Array, gradient: Float32Array): void {
    this.meanDecay *= 0.9;
    this.squareDecay *= 0.999;
    const rate = LEARNING_RATE / (1 - this.meanDecay);
    for (let i = 0; i < v.length; i++) {
      const g = gradient[i]!;
      this.mean[i] = 0.9 * this.mean[i]! + 0.1 * g;
      this.square[i] = 0.999 * this.square[i]! + 0.001 * g * g;
      const size = Math.sqrt(this.square[i]! / (1 - this.squareDecay));
      v[i]! -= (rate * this.mean[i]!) / (size + 1e-8);
    }
  }
}

function sigmoid(v: Float32Array): Float32Array {
  return callNative((addon) => addon.elementwise('sigmoid', 0, 0, v, allocateFloats(v.length)));
}

/** x^n by squaring: Math.pow may differ by platform. */
function power(x: number, n: number): number {
  let result = 1;
  for (let [base, rest] = [x, n]; rest > 0; rest >>= 1, base *= base) if (rest & 1) result *= base;
  return result;
}
