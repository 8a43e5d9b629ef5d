import type { Calibration, JobOptions } from '../calibration/types';
import { type Graph, isCodes, type LinearNode } from '../models/graph';
import type { MLP } from '../models/mlp';
import { type QuantizeOptions, quantize } from '../models/quantize';
import { realWeights } from '../models/real-weights';
import { checkJobOptions, Job, keptRows } from './job';
import { checkFloatModel, linearNodes, rebuilt } from './rebuild';
import { featureMeans } from './statistics';

export interface CorrectBiasOptions extends JobOptions {
  /** What `quantize` is going to be given: the shift is that of these very weights. */
  quantize?: QuantizeOptions;
}

/**
 * Bias correction: quantized weights Wq move the mean of a layer's output; its bias takes that back, so that the mean
 * output of every Linear is the float model's again.
 *
 *     b' = b + W·E[x] − Wq·E[x̂]        = b − (Wq − W)·E[x̂] − W·(E[x̂] − E[x])
 *
 * x is what the layer reads in the float model, x̂ in the quantized one whose earlier layers are corrected already; both
 * means are over the rows that the calibration kept. Give `quantize` the same calibration and options afterwards.
 * Source: Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2
 * (empirical form, appendix D).
 *
 * Errors: those of `quantize`, ERR_ARGUMENT (options; no kept rows). An abort rejects with `signal.reason`.
 */
export async function correctBias(
  model: MLP,
  calibration: Calibration,
  options: CorrectBiasOptions = {},
): Promise<MLP> {
  checkFloatModel(model);
  checkJobOptions(options, ['quantize']);
  const rows = keptRows(calibration, model.inFeatures);
  const linears = linearNodes(model.graph);
  const job = new Job(options, 'correct bias', linears.length);
  const inputs = new Set(linears.map(({ inputs: [input] }) => input!));
  const means = await featureMeans(model.graph, rows, inputs, job);
  const biases = new Map<string, { bias: Float32Array }>();
  const shifts: Record<string, number> = {};
  const step = () => ({ step: 'correctBias', largestShift: shifts });
  for (const [i, float] of linears.entries()) {
    const {
      name,
      inputs: [input],
    } = float;
    const corrected = rebuilt(model, biases, step());
    using quantized = quantize(corrected, calibration, options.quantize);
    const { graph } = quantized;
    const node = linearNodes(graph).find((other) => other.name === name)!;
    const [from] = node.inputs as [string];
    const quantizedMeans = await featureMeans(graph, rows, new Set([from]), job);
    const wanted = meanProduct(float, model.graph, means.get(input!)!);
    const found = meanProduct(node, graph, quantizedMeans.get(from)!);
    const shift = wanted.map((y, n) => y - found[n]!);
    const { bias = new Float32Array(shift.length) } = float;
    biases.set(name, { bias: Float32Array.from(bias, (b, n) => b + shift[n]!) });
    shifts[name] = shift.reduce((max, y) => Math.max(max, Math.abs(y)), 0);
    await job.report(i + 1);
  }
  return rebuilt(model, biases, step());
}

/** W·E[x], in float64. */
function meanProduct(node: LinearNode, { values }: Graph, mean: Float64Array): Float64Array {
  const input = values.get(node.inputs[0]!)!;
  const weight = realWeights(node.weight, values.get(node.output)!.features, input.features);
  // A scale a feature is folded into the weights, which multiply codes then.
  const unit = isCodes(input) && input.scale.length > 1 ? input.scale : undefined;
  const x = unit ? mean.map((value, k) => value / unit[k]!) : mean;
  return Float64Array.from({ length: weight.length / x.length }, (_, n) => {
    let sum = 0;
    for (let k = 0; k < x.length; k++) sum += weight[n * x.length + k]! * x[k]!;
    return sum;
  });
}
