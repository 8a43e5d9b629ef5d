import { Histogram } from '../calibration/histogram';
import { hiddenLayers, isHidden } from '../compression/pruning/hidden';
import { BLOCK_HEIGHT, zeroShare } from '../compression/pruning/units';
import type { Graph, LinearNode } from '../models/graph';
import { barsOf } from './tensors';
import type { ReportPruning } from './types';

/** Σ x and Σ x² of each feature, in float64. */
export class FeatureMoments {
  private rows = 0;
  private readonly sums: Float64Array;
  private readonly squares: Float64Array;

  constructor(features: number) {
    this.sums = new Float64Array(features);
    this.squares = new Float64Array(features);
  }

  /** Rows [rows, features]. */
  add(data: Float32Array): void {
    const features = this.sums.length;
    this.rows += data.length / features;
    data.forEach((x, i) => {
      const k = i % features;
      this.sums[k]! += x;
      this.squares[k]! += x * x;
    });
  }

  /** The mean over rows of (x − mean)². */
  variances(): Float64Array {
    const rows = Math.max(this.rows, 1);
    return this.sums.map((sum, k) => Math.max(this.squares[k]! / rows - (sum / rows) ** 2, 0));
  }
}

/** Shares of the weights, the least ones first, of whose saliency the table tells. */
export const LEAST_SHARES: readonly number[] = [0.5, 0.75, 0.9];

/**
 * What could leave a layer: its weights' saliency w²·σ_k², by which the mean square of an output grows where the weight leaves
 * and the bias takes over its mean (OBD, lib/compression/pruning).
 */
export function pruningOf(graph: Graph, node: LinearNode, moments: FeatureMoments): ReportPruning {
  const weight = node.weight.data as Float32Array;
  const variances = moments.variances();
  const inFeatures = variances.length;
  const grid = { outFeatures: weight.length / inFeatures, inFeatures };
  const saliencies = Float64Array.from(weight, (w, i) => w * w * variances[i % inFeatures]!);
  const logarithms = Float32Array.from(saliencies.filter((s) => s > 0)).map((s) =>
    Math.log10(Math.max(s, 1e-38)),
  );
  const histogram = new Histogram();
  histogram.observe(logarithms);
  const layer = hiddenLayers(graph).find(({ writer }) => writer.name === node.name)!;
  return {
    zeros: 100 * zeroShare({ ...grid, height: 1 }, weight),
    zeroBlocks: 100 * zeroShare({ ...grid, height: BLOCK_HEIGHT }, weight),
    removableNeurons: isHidden(layer) ? grid.outFeatures : 0,
    neuronsStay: isHidden(layer) ? null : layer.reason,
    least: heldBy(saliencies),
    saliencies: {
      min: logarithms.length > 0 ? histogram.min : 0,
      max: logarithms.length > 0 ? histogram.max : 0,
      histogram: barsOf(histogram),
      grids: [],
    },
  };
}

/** Of the whole saliency, the percentage that the least ones hold; 0 where all are 0. */
function heldBy(saliencies: Float64Array): number[] {
  const sorted = saliencies.slice().sort();
  const total = sorted.reduce((sum, s) => sum + s, 0);
  return LEAST_SHARES.map((share) => {
    const held = sorted.subarray(0, Math.floor(share * sorted.length)).reduce((sum, s) => sum + s, 0);
    return total > 0 ? (100 * held) / total : 0;
  });
}
