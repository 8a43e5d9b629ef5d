import type { Calibration, JobOptions } from '../calibration/types';
import { expected } from '../errors';
import type { LinearNode, RecordStep } from '../models/graph';
import type { MLP } from '../models/mlp';
import { DEFAULT_GROUP_SIZE } from '../quantization/int4';
import { Job, keptRows } from './job';
import { type LayerInputs, layerInputs } from './layer-inputs';
import { checkFloatModel, floatWeight, linearNodes, rebuilt } from './rebuild';
import { checkWeightGridOptions, type WeightGrid, type WeightGridOptions, weightGrid } from './weight-grid';

export interface RoundingMethod {
  readonly step: string;
  /** For the record, beside the grid. */
  readonly details: Readonly<Record<string, unknown>>;
  /** The layer's weights on the grid. */
  round(node: LinearNode, grid: WeightGrid, inputs: LayerInputs, job: Job): Promise<Float32Array>;
}

/**
 * Rounds the layers of a model one after the other, to the grid of the options or the one a layer wishes for itself; float32
 * and float8 layers stay. Errors: as the methods say.
 */
export async function roundLayers(
  model: MLP,
  calibration: Calibration,
  options: WeightGridOptions & JobOptions,
  method: RoundingMethod,
): Promise<MLP> {
  checkFloatModel(model);
  checkWeightGridOptions(options);
  const rows = keptRows(calibration, model.inFeatures);
  const nodes = linearNodes(model.graph).filter(isRounded);
  const job = new Job(options, method.step, nodes.length);
  const { format = 'int8', weights = 'per-channel' } = options;
  const record: RecordStep = {
    step: method.step,
    rows: rows.length / model.inFeatures,
    format,
    ...(format === 'int8'
      ? { bits: options.bits ?? 4, weights }
      : { groupSize: options.groupSize ?? DEFAULT_GROUP_SIZE }),
    ...method.details,
  };
  const changes = new Map<string, { weight: Float32Array; quantization: WeightGrid['wish'] }>();
  await job.report(0);
  for (const [done, node] of nodes.entries()) {
    checkFinite(node);
    using rounded = rebuilt(model, changes, record);
    const inputs = layerInputs(model, rounded, node, rows);
    const grid = weightGrid(node, inputs.gram, ownOptions(node, options));
    const weight = await method.round(node, grid, inputs, job);
    const { mode } = node.quantization ?? {};
    changes.set(node.name, { weight, quantization: { ...grid.wish, ...(mode && { mode }) } });
    await job.report(done + 1);
  }
  return rebuilt(model, changes, record);
}

function isRounded({ quantization: { format } = {} }: LinearNode): boolean {
  return format === undefined || format === 'int8' || format === 'int4';
}

/** A layer's own format and bits are stronger. */
function ownOptions({ quantization = {} }: LinearNode, options: WeightGridOptions): WeightGridOptions {
  const { format, bits, groupSize } = quantization;
  if (format === 'int4') return { format, ...(groupSize !== undefined && { groupSize }) };
  const { weights } = options;
  if (format === 'int8') return { bits: bits ?? 8, ...(weights && { weights }) };
  return options;
}

function checkFinite(node: LinearNode): void {
  const stray = floatWeight(node).find((w) => !Number.isFinite(w));
  if (stray !== undefined) throw expected('ERR_ARGUMENT', `finite weights in '${node.name}'`, stray);
}
