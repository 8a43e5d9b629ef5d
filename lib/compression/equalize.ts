import type { JobOptions } from '../calibration/types';
import { expected } from '../errors';
import type { LinearNode } from '../models/graph';
import type { MLP } from '../models/mlp';
import { isScalable, scalableInputs } from './chains';
import { checkJobOptions, Job } from './job';
import { checkFloatModel } from './rebuild';
import { balance, limited, nearestPowerOfTwo, ScaledWeights } from './scaling';

export interface EqualizeOptions extends JobOptions {
  /**
   * Factors that are powers of two move no bit of the model's outputs (as long as nothing over- or underflows), and
   * equalize to within √2. Default false: exact factors, outputs equal up to float32 rounding.
   */
  powersOfTwo?: boolean;
}

/** Sweeps over all pairs at most; chains settle in a few. */
const SWEEPS = 64;
/** A sweep whose factors all lie within this ratio of 1 ends them. */
const SETTLED = 1 + 2 ** -10;

/** Two linear nodes with only ReLU-likes between them. */
interface Pair {
  readonly first: LinearNode;
  readonly second: LinearNode;
}

/**
 * Cross-layer equalization: the features between two Linear layers are rescaled, so that one weight scale fits all.
 *
 *     s_i = √(r1_i / r2_i),  r1_i = max|W1[i, ·]|,  r2_i = max|W2[·, i]|
 *     W1[i, ·] /= s_i,  b1_i /= s_i,  W2[·, i] *= s_i        then both ranges are √(r1_i·r2_i)
 *
 * over every pair Linear → Linear with nothing, relu or leakyRelu between and no other reader, again and again until the
 * ranges settle. What the model computes stays the same. It helps weights of one scale a layer ('per-tensor'); ranges
 * of activations change, so calibrate the new model. Source: Nagel et al. 2019, "Data-Free Quantization Through Weight
 * Equalization and Bias Correction", section 4.1.
 *
 * Errors: ERR_MODEL_KIND, ERR_ARGUMENT, ERR_UNSUPPORTED (a layer with chosen weight scales). An abort rejects with `signal.reason`.
 */
export async function equalize(model: MLP, options: EqualizeOptions = {}): Promise<MLP> {
  checkFloatModel(model);
  checkJobOptions(options, ['powersOfTwo']);
  const { powersOfTwo = false } = options;
  if (typeof powersOfTwo !== 'boolean')
    throw expected('ERR_ARGUMENT', 'powersOfTwo to be true or false', powersOfTwo);
  const pairs = pairsOf(model);
  const factors = await settledFactors(model, pairs, options);
  const weights = new ScaledWeights(model);
  pairs.forEach(({ first, second }, i) => {
    weights.move(first, [second], powersOfTwo ? factors[i]!.map(nearestPowerOfTwo) : factors[i]!);
  });
  return weights.rebuilt({
    step: 'equalize',
    pairs: pairs.map(({ first, second }) => [first.name, second.name]),
    ...(powersOfTwo && { powersOfTwo }),
  });
}

function pairsOf({ graph }: MLP): Pair[] {
  return [...scalableInputs(graph).values()].flatMap((found) => {
    if (!isScalable(found) || found.writer.op !== 'linear' || found.readers.length !== 1) return [];
    return [{ first: found.writer, second: found.readers[0]! }];
  });
}

/** The product of all factors that the sweeps gave each pair's features. */
async function settledFactors(
  model: MLP,
  pairs: readonly Pair[],
  options: JobOptions,
): Promise<Float64Array[]> {
  const job = new Job(options, 'equalize', SWEEPS);
  const weights = new ScaledWeights(model);
  const total = pairs.map(({ first }) =>
    new Float64Array(model.graph.values.get(first.output)!.features).fill(1),
  );
  for (let sweep = 1; sweep <= SWEEPS; sweep++) {
    let widest = 1;
    for (const [i, { first, second }] of pairs.entries()) {
      const rows = weights.of(first).rowMaxima();
      const columns = weights.of(second).columnMaxima();
      const before = total[i]!;
      const after = before.map((s, n) => limited(s * balance(rows[n]!, columns[n]!)));
      const factor = after.map((s, n) => s / before[n]!);
      for (const s of factor) widest = Math.max(widest, s, 1 / s);
      weights.move(first, [second], factor);
      total[i] = after;
      await job.yieldWhenDue();
    }
    if (widest <= SETTLED) break;
    await job.report(sweep);
  }
  await job.report(SWEEPS);
  return total;
}
