import { allocateFloats } from '../../formats/sizes';
import type { Graph, LinearNode } from '../../models/graph';
import { Random } from '../../random';
import { gatherInputs } from '../../training/dataset';
import type { Job } from '../job';
import { floatWeight } from '../rebuild';
import { type LossGradient, lossGradients } from './gradients';
import { diagonalOf, type Moments, secondMoments } from './hessian';
import type { Settings } from './options';

/** What saliencies are computed from: the settings, and some rows of the data. */
export class Evidence {
  private readonly rows: Uint32Array;
  private readonly inputs: Float32Array;

  constructor(
    readonly settings: Settings,
    readonly job: Job,
  ) {
    const { data } = settings;
    this.rows = drawn(data?.rows ?? 0, settings.rows, settings.seed);
    this.inputs = allocateFloats(this.rows.length * (data?.inFeatures ?? 0));
    if (data) gatherInputs(data, this.rows, this.inputs);
  }

  /** Σ xxᵀ of these values; none where the saliency does not ask for them. */
  async moments(graph: Graph, values: Iterable<string>): Promise<ReadonlyMap<string, Moments>> {
    const { saliency, curvature } = this.settings;
    const needed = saliency === 'obs' || (saliency === 'obd' && curvature === 'reconstruction');
    return needed ? secondMoments(graph, this.inputs, new Set(values), this.job) : new Map();
  }

  /** By the node's name; none where the saliency does not ask for them. */
  async gradients(graph: Graph): Promise<ReadonlyMap<string, LossGradient>> {
    const { saliency, curvature, data, fineTune } = this.settings;
    if (saliency !== 'taylor' && curvature !== 'fisher') return new Map();
    return lossGradients(graph, data!, this.rows, fineTune?.loss, this.job);
  }
}

/**
 * The saliency of each weight [outFeatures, inFeatures] alone:
 *
 *     magnitude |w|     taylor |g·w|     obd h·w²/2,  h = 2·Σ x_k² (reconstruction) or the Fisher diagonal
 */
export function weightScores(
  node: LinearNode,
  { saliency }: Pick<Settings, 'saliency'>,
  moments: Moments | undefined,
  gradient: LossGradient | undefined,
): Float64Array {
  const weight = Float64Array.from(floatWeight(node));
  if (saliency === 'magnitude') return weight.map(Math.abs);
  if (saliency === 'taylor') return weight.map((w, i) => Math.abs(gradient!.gradient[i]! * w));
  if (gradient) return weight.map((w, i) => (gradient.fisher[i]! * w * w) / 2);
  const diagonal = diagonalOf(moments!, node.bias !== undefined);
  return weight.map((w, i) => (diagonal[i % diagonal.length]! * w * w) / 2);
}

/** Rows in ascending order: all, or `most` of them. */
function drawn(rows: number, most: number, seed: number): Uint32Array {
  const order = Uint32Array.from({ length: rows }, (_, row) => row);
  if (rows <= most) return order;
  new Random(seed).shuffle(order);
  return order.slice(0, most).sort();
}
