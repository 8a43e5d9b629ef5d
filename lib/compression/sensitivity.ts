import type { Calibration, JobOptions } from '../calibration/types';
import type { LayerQuantization } from '../layers/layer';
import type { MLP } from '../models/mlp';
import { type QuantizeOptions, quantize } from '../models/quantize';
import { checkJobOptions, Job, keptRows } from './job';
import { checkFloatModel, linearNodes } from './rebuild';

export interface SensitivityOptions extends JobOptions {
  /** How the layer under test is quantized; default as `quantize`. */
  quantize?: QuantizeOptions;
}

/** What quantizing one layer alone does to the model's output. */
export interface LayerSensitivity {
  readonly layer: string;
  /** Σ(quantized − float)² / Σ float² over the outputs. */
  readonly noise: number;
  /** −10·log10(noise); Infinity where nothing changes. */
  readonly sqnrDb: number;
}

/**
 * The Linear layers by how much they suffer, the worst first: each is quantized alone, all others stay float32, and the
 * model's outputs for the rows that the calibration kept are compared with those of the float model.
 *
 * Errors: ERR_MODEL_KIND, ERR_ARGUMENT (options; no kept rows), and those of `quantize`. An abort rejects with `signal.reason`.
 */
export async function sensitivity(
  model: MLP,
  calibration: Calibration,
  options: SensitivityOptions = {},
): Promise<readonly LayerSensitivity[]> {
  checkFloatModel(model);
  checkJobOptions(options, ['quantize']);
  const rows = keptRows(calibration, model.inFeatures);
  const names = linearNodes(model.graph).map(({ name }) => name);
  const job = new Job(options, 'sensitivity', names.length);
  const reference = model.runSync(rows);
  const found: LayerSensitivity[] = [];
  for (const [i, layer] of names.entries()) {
    using quantized = quantize(model, calibration, withFloatOthers(options.quantize, names, layer));
    const noise = relativeNoise(quantized.runSync(rows), reference);
    found.push({ layer, noise, sqnrDb: noise === 0 ? Number.POSITIVE_INFINITY : -10 * Math.log10(noise) });
    await job.report(i + 1);
  }
  // Stable: equal ones in the order of the model.
  return found.sort((a, b) => b.noise - a.noise);
}

/** All layers but one float32; and the output too, so that it is no code. */
function withFloatOthers(
  { output: _, layers = {}, ...options }: QuantizeOptions = {},
  names: readonly string[],
  tested: string,
): QuantizeOptions {
  const others = names.map((name): [string, LayerQuantization] => [
    name,
    name === tested ? (layers[name] ?? {}) : FLOAT32,
  ]);
  return { ...options, layers: Object.fromEntries(others) };
}

/** Takes the place of any other wish. */
const FLOAT32: LayerQuantization = { format: 'float32' };

function relativeNoise(outputs: Float32Array, reference: Float32Array): number {
  let [noise, signal] = [0, 0];
  for (let i = 0; i < reference.length; i++) {
    noise += (outputs[i]! - reference[i]!) ** 2;
    signal += reference[i]! ** 2;
  }
  return noise === 0 ? 0 : noise / signal;
}
