import { expected } from '../../errors';
import type { Graph } from '../../models/graph';
import type { Job } from '../job';
import { watch } from '../statistics';
import { inverseFactor } from '../triangular';

/**
 * H of a layer's reconstruction loss Σ‖(W − Ŵ)x‖² over rows, the same for each output:  H = 2·Σ xxᵀ, damped. A layer with a
 * bias has a constant 1 as its first input, which is never removed, so that the bias makes up for what leaves too.
 */
export interface Hessian {
  /** Inputs, the constant among them. */
  readonly n: number;
  /** Leading inputs that stay: 1 with the constant, else 0. */
  readonly fixed: number;
  /** [n, n] in float64, symmetric. */
  readonly h: Float64Array;
}

/** Σ xxᵀ of a value over rows, x with a leading 1: lower triangle, [features + 1, features + 1]. */
export type Moments = Float64Array;

/** Sums in float64, in the order of the rows. Errors: those of `observe`; signal.reason. */
export async function secondMoments(
  graph: Graph,
  rows: Float32Array,
  names: ReadonlySet<string>,
  job: Job,
): Promise<ReadonlyMap<string, Moments>> {
  const sums = new Map(
    [...names].map((name) => [name, new Float64Array((graph.values.get(name)!.features + 1) ** 2)]),
  );
  await watch(graph, rows, job, (name, data) => {
    const sum = sums.get(name);
    if (sum !== undefined) addProducts(sum, data, graph.values.get(name)!.features);
  });
  return sums;
}

function addProducts(sum: Moments, data: Float32Array, features: number): void {
  const n = features + 1;
  const x = new Float64Array(n);
  x[0] = 1;
  for (let start = 0; start < data.length; start += features) {
    for (let k = 0; k < features; k++) x[k + 1] = data[start + k]!;
    for (let i = 0; i < n; i++) {
      const xi = x[i]!;
      if (xi === 0) continue;
      for (let j = 0, at = i * n; j <= i; j++, at++) sum[at]! += xi * x[j]!;
    }
  }
}

/** The mean of each feature. */
export function meansOf(moments: Moments): Float64Array {
  const n = Math.sqrt(moments.length);
  return Float64Array.from({ length: n - 1 }, (_, k) => moments[(k + 1) * n]! / moments[0]!);
}

/** 2·Σ x_k² of each feature: the diagonal of H, not damped; `centred`: 2·Σ (x_k − mean)², what is left when a bias makes up for the mean. */
export function diagonalOf(moments: Moments, centred = false): Float64Array {
  const n = Math.sqrt(moments.length);
  const rows = centred ? moments[0]! : 0;
  return meansOf(moments).map((mean, k) => 2 * Math.max(moments[(k + 1) * (n + 1)]! - rows * mean * mean, 0));
}

/** `damping` times the mean of the features' diagonal is added to it; where all features are 0, 1. */
export function hessianOf(moments: Moments, withConstant: boolean, damping: number): Hessian {
  const all = Math.sqrt(moments.length);
  const first = withConstant ? 0 : 1;
  const n = all - first;
  const fixed = 1 - first;
  const h = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const sum = 2 * moments[(i + first) * all + j + first]!;
      h[i * n + j] = sum;
      h[j * n + i] = sum;
    }
  }
  const diagonal = diagonalOf(moments);
  const trace = diagonal.reduce((sum, x) => sum + x, 0);
  const added = trace > 0 ? (damping * trace) / diagonal.length : 1;
  for (let i = fixed; i < n; i++) h[i * (n + 1)]! += added;
  return { n, fixed, h };
}

/** H⁻¹, lower triangle in [n, n]. Errors: ERR_ARGUMENT where H is not positive definite; signal.reason. */
export async function inverseOf({ n, h }: Hessian, job: Job): Promise<Float64Array> {
  const u = await inverseFactor(h, n, () => job.yieldWhenDue());
  if (u === undefined) throw notPositive();
  const inverse = new Float64Array(n * n);
  // H⁻¹ = UᵀU: row k of U adds to the rows and columns from k on.
  for (let k = 0; k < n; k++) {
    for (let i = k; i < n; i++) {
      const f = u[k * n + i]!;
      for (let j = k; j <= i; j++) inverse[i * n + j]! += f * u[k * n + j]!;
    }
    await job.yieldWhenDue();
  }
  return inverse;
}

export function notPositive(): Error {
  return expected(
    'ERR_ARGUMENT',
    'finite inputs, and a damping that makes H positive definite',
    'one that is not: try a larger damping',
  );
}
