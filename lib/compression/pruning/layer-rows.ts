import type { LinearNode } from '../../models/graph';
import { floatWeight, type LinearChange } from '../rebuild';

/** The weights of outputs [first, end) in float64, each behind its bias where the constant has a column. */
export function floatRows(
  node: LinearNode,
  inFeatures: number,
  withConstant: boolean,
  { first, end }: { first: number; end: number },
): Float64Array[] {
  const weight = floatWeight(node);
  return Array.from({ length: end - first }, (_, i) => {
    const n = first + i;
    const own = weight.subarray(n * inFeatures, (n + 1) * inFeatures);
    return Float64Array.from(withConstant ? [(node.bias as Float32Array)[n]!, ...own] : own);
  });
}

/** All outputs' rows back as float32. */
export function changeOf(rows: readonly Float64Array[], withConstant: boolean): LinearChange {
  const first = withConstant ? 1 : 0;
  const inFeatures = rows[0]!.length - first;
  const weight = new Float32Array(rows.length * inFeatures);
  rows.forEach((row, n) => {
    weight.set(row.subarray(first), n * inFeatures);
  });
  return { weight, ...(withConstant && { bias: Float32Array.from(rows, (row) => row[0]!) }) };
}

/** The bias that keeps each output's mean where weights are changed: b[n] + Σ_k (w − w')·mean_k. */
export function keptMeans(node: LinearNode, weight: Float32Array, means: Float64Array): Float32Array {
  const before = floatWeight(node);
  return (node.bias as Float32Array).map((b, n) =>
    means.reduce((sum, mean, k) => {
      const i = n * means.length + k;
      return sum + (before[i]! - weight[i]!) * mean;
    }, b),
  );
}
