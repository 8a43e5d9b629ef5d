import type { Calibration, JobOptions } from '../calibration/types';
import { expected } from '../errors';
import type { LinearNode } from '../models/graph';
import type { MLP } from '../models/mlp';
import { checkJobOptions, type Job } from './job';
import type { LayerInputs } from './layer-inputs';
import { floatWeight } from './rebuild';
import { roundLayers } from './round-layers';
import { inverseFactor } from './triangular';
import { scaleIndex, WEIGHT_GRID_KEYS, type WeightGrid, type WeightGridOptions } from './weight-grid';

export interface GptqOptions extends JobOptions, WeightGridOptions {
  /** Added to the diagonal of H, times its mean. Default .01. */
  damping?: number;
}

/**
 * Rounds the weights of every Linear to few bits, column after column: what a column loses is made up for by the ones
 * that are still to come, as the inputs of the kept rows need it.
 *
 *     H = 2·X̂X̂ᵀ + damping·mean(diag H)·I,   H⁻¹ = UᵀU
 *     q_k = round(w_k),   w_j −= (w_k − ŵ_k)·U_kj/U_kk   for all j after k
 *
 * Columns go by falling H_kk. Layers go in order, and X̂ is what the layers rounded before show. The result's weights lie
 * on their grid, which `quantize` keeps; activations are as they were. Nothing is random: `seed` has no effect.
 *
 * Source: Frantar, Ashkboos, Hoefler, Alistarh 2023, "GPTQ: accurate post-training quantization for generative pre-trained
 * transformers". Errors: ERR_MODEL_KIND, ERR_ARGUMENT (options, no kept rows), ERR_SHAPE, ERR_MEMORY; an abort rejects with
 * `signal.reason`.
 */
export async function gptq(model: MLP, calibration: Calibration, options: GptqOptions = {}): Promise<MLP> {
  checkJobOptions(options, [...WEIGHT_GRID_KEYS, 'damping']);
  const { damping = 0.01 } = options;
  if (!(damping > 0 && damping <= 1)) throw expected('ERR_ARGUMENT', 'damping in (0, 1]', damping);
  return roundLayers(model, calibration, options, {
    step: 'gptq',
    details: { damping },
    round: (node, grid, inputs, job) => roundColumns(node, grid, inputs, damping, job),
  });
}

async function roundColumns(
  node: LinearNode,
  grid: WeightGrid,
  { gram, inFeatures: n }: LayerInputs,
  damping: number,
  job: Job,
): Promise<Float32Array> {
  const order = byFallingDiagonal(gram, n);
  const factor = await inverseFactor(hessian(gram, order, damping), n, () => job.yieldWhenDue());
  if (factor === undefined)
    throw expected('ERR_ARGUMENT', `finite inputs of '${node.name}' in the kept rows`, 'others');
  const weight = floatWeight(node);
  const rounded = new Float32Array(weight.length);
  const row = new Float64Array(n);
  for (let start = 0; start < weight.length; start += n) {
    order.forEach((k, i) => {
      row[i] = weight[start + k]!;
    });
    for (let i = 0; i < n; i++) {
      const k = order[i]!;
      const scale = grid.scale[scaleIndex(grid, n, start / n, k)]!;
      const code = Math.min(Math.max(Math.round(row[i]! / scale), -grid.maxCode), grid.maxCode);
      rounded[start + k] = scale * code;
      const error = (row[i]! - scale * code) / factor[i * n + i]!;
      for (let j = i + 1; j < n; j++) row[j]! -= error * factor[i * n + j]!;
    }
    await job.yieldWhenDue();
  }
  return rounded;
}

/** 2·Ĝ in the order of the columns, damped; an input that is always 0 gets a diagonal too. */
function hessian(gram: Float32Array, order: Uint32Array, damping: number): Float64Array {
  const n = order.length;
  const h = new Float64Array(n * n);
  let trace = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) h[i * n + j] = 2 * gram[order[i]! * n + order[j]!]!;
    trace += h[i * n + i]!;
  }
  const added = trace > 0 ? (damping * trace) / n : 1;
  for (let i = 0; i < n; i++) h[i * n + i]! += added;
  return h;
}

function byFallingDiagonal(gram: Float32Array, n: number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, k) => k);
  return order.sort((a, b) => gram[b * n + b]! - gram[a * n + a]! || a - b);
}
