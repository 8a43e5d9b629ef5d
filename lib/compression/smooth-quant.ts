import type { Calibration, JobOptions } from '../calibration/types';
import { expected } from '../errors';
import type { MLP } from '../models/mlp';
import { isScalable, type Scalable, scalableInputs } from './chains';
import { checkJobOptions, Job, keptRows } from './job';
import { power } from './power';
import { checkFloatModel } from './rebuild';
import { limited, ScaledWeights } from './scaling';
import { featureMaxima } from './statistics';

export interface SmoothQuantOptions extends JobOptions {
  /** In [0, 1]: how much of the activations' spread goes to the weights; 0.5 shares it. Default 0.5. */
  alpha?: number;
}

/**
 * SmoothQuant: features of activations that are much larger than the others are made smaller, and the weights that read
 * them larger, which have a scale an output feature and bear it better.
 *
 *     s_j = max|X_j|^α / max|W[·, j]|^(1 − α)        X_j: the feature in the rows that the calibration kept
 *     X_j /= s_j,  W[·, j] *= s_j
 *
 * X_j is divided where it is written: in the rows and the bias of the Linear before, or gamma and beta of the layer norm,
 * through nothing, relu or leakyRelu. Where there is nothing of the kind (at the model's input, behind other activations
 * or sums) a layer is skipped; the record names it and says why. At the input `inputs: 'per-feature'` of `quantize` does
 * the like. What the model computes stays the same up to float32 rounding; its ranges change: calibrate the new model.
 * Source: Xiao et al. 2023, "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models".
 *
 * Errors: ERR_MODEL_KIND, ERR_ARGUMENT (options; no kept rows), ERR_SHAPE, ERR_NAN_INPUT, ERR_UNSUPPORTED (a layer with
 * chosen weight scales). An abort rejects with `signal.reason`.
 */
export async function smoothQuant(
  model: MLP,
  calibration: Calibration,
  options: SmoothQuantOptions = {},
): Promise<MLP> {
  checkFloatModel(model);
  checkJobOptions(options, ['alpha']);
  const { alpha = 0.5 } = options;
  if (!(typeof alpha === 'number' && alpha >= 0 && alpha <= 1))
    throw expected('ERR_ARGUMENT', 'alpha to be a number in [0, 1]', alpha);
  const rows = keptRows(calibration, model.inFeatures);
  const inputs = [...scalableInputs(model.graph)];
  const smoothed = inputs.filter((entry): entry is [string, Scalable] => isScalable(entry[1]));
  const job = new Job(options, 'smooth', smoothed.length);
  const maxima = await featureMaxima(model.graph, rows, new Set(smoothed.map(([value]) => value)), job);
  const weights = new ScaledWeights(model);
  // From the output back: the rows of a writer are final when its own columns come to be scaled.
  for (const [i, [value, { readers, writer }]] of smoothed.reverse().entries()) {
    const columns = readers.map((reader) => weights.of(reader).columnMaxima());
    const factor = maxima
      .get(value)!
      .map((x, j) => smoothing(x, Math.max(...columns.map((max) => max[j]!)), alpha));
    weights.move(writer, readers, factor);
    await job.report(i + 1);
  }
  const skipped = inputs.flatMap(([value, found]) => (isScalable(found) ? [] : [{ value, ...found }]));
  return weights.rebuilt({
    step: 'smoothQuant',
    alpha,
    smoothed: smoothed
      .reverse()
      .map(([, { writer, readers }]) => [writer.name, ...readers.map(({ name }) => name)]),
    ...(skipped.length > 0 && { skipped }),
  });
}

/** 1 for features that are never there, or that nobody reads. */
function smoothing(activation: number, weight: number, alpha: number): number {
  if (!(activation > 0 && weight > 0 && Number.isFinite(activation))) return 1;
  return limited(power(activation, alpha) / power(weight, 1 - alpha));
}
