import { expected, RequantError } from '../../errors';
import { checkFp8Format, isFp8Format } from '../../fp8/format';
import type { Format, LayerQuantization } from '../../layers/layer';
import type { Graph, LinearNode } from '../../models/graph';
import {
  ACTIVATION_BITS,
  type ActivationBits,
  isActivationBits,
  isWeightBits,
  type WeightBits,
} from '../../quantization/bits';
import { checkFinite, checkInteger, checkOptionKeys, checkWord } from '../../runtime/checks';
import type { TrainOptions } from '../train';
import { METHODS, type Method } from './activations';
import { Fp8WeightGrid, IntegerGrid, NoGrid, type WeightGrid } from './weights';

/** How a layer differs from the others in `trainQuantized`. */
export interface TrainedLayer {
  format?: Format;
  weightBits?: WeightBits | 'ternary';
  activationBits?: ActivationBits;
}

export interface TrainQuantizedOptions extends TrainOptions {
  /**
   * Of int8 weights: codes ±(2^(bits − 1) − 1). 'ternary' has the codes of 2 bits, −1, 0, 1, and another start: the step of
   * ternary weight networks. Default 8.
   */
  weightBits?: WeightBits | 'ternary';
  /** Of the codes that layers read, the model's input too. Default 8. */
  activationBits?: ActivationBits;
  /**
   * 'lsq' (default): weight scales and the ranges of activations are learned. 'pact': weight scales, and the upper ends of
   * what is never below 0; other ranges are moving averages. 'ema': weight scales are max|w|/Qp, all ranges moving averages.
   */
  method?: Method;
  /** 'int8' (default), or float8 as `quantize` takes it: 'e4m3fn', 'e5m2', { mantissa, exponent }. */
  format?: Format;
  /** Of { mantissa, exponent }: each layer's bits of mantissa are learned, those of the exponent give or take them. Default false. */
  learnFormat?: boolean;
  /** One scale an output feature, or one a layer. Default 'per-channel'. */
  weights?: 'per-channel' | 'per-tensor';
  /** By layer name, stronger than the above: `{ 0: { weightBits: 8 } }`, or `{ format: 'float32' }` to leave a layer out. */
  layers?: Readonly<Record<string, TrainedLayer>>;
  /** Batches that are trained in float32 before values are rounded: for a model that is not trained yet. Default 0. */
  delay?: number;
  /** Learning rate of steps, ranges and formats over that of weights. Default 1. */
  stepRate?: number;
}

export const QAT_KEYS = [
  'weightBits',
  'activationBits',
  'method',
  'format',
  'learnFormat',
  'weights',
  'layers',
  'delay',
  'stepRate',
];

/** The options of one kind of training, completed. */
export interface QatSettings {
  readonly method: Method;
  readonly delay: number;
  readonly stepRate: number;
  readonly gridOf: (node: LinearNode) => WeightGrid;
  /** What the options say, for the record and for checkpoints. */
  readonly summary: Readonly<Record<string, string | number | boolean>>;
}

/** Errors: ERR_ARGUMENT, ERR_UNSUPPORTED. */
export function qatSettings(graph: Graph, options: TrainQuantizedOptions): QatSettings {
  const { method = 'lsq', weights = 'per-channel', delay = 0, stepRate = 1, learnFormat = false } = options;
  checkWord('method', method, METHODS);
  checkWord('weights', weights, ['per-channel', 'per-tensor']);
  checkInteger('delay', delay, 0, Number.MAX_SAFE_INTEGER);
  checkFinite('stepRate', stepRate);
  if (stepRate <= 0) throw expected('ERR_ARGUMENT', 'stepRate above 0', stepRate);
  if (typeof learnFormat !== 'boolean')
    throw expected('ERR_ARGUMENT', 'learnFormat to be a boolean', learnFormat);
  const own = checkedLayers(graph, options.layers ?? {});
  const { weightBits = 8, activationBits = 8, format = 'int8' } = options;
  const common = { weightBits, activationBits, format };
  checkLayer('options', common);
  const gridOf = (node: LinearNode): WeightGrid => {
    const layer = { ...common, ...wishOf(node), ...own[node.name] };
    checkLayer(`layers['${node.name}']`, layer);
    const features = (name: string) => graph.values.get(name)!.features;
    const [outFeatures, inFeatures] = [features(node.output), features(node.inputs[0]!)];
    const shape = weights === 'per-tensor' ? [1, outFeatures * inFeatures] : [outFeatures, inFeatures];
    return gridFor(layer, shape as [number, number], { isLearned: method !== 'ema', learnFormat });
  };
  const summary = {
    method,
    weightBits,
    activationBits,
    format: typeof format === 'string' ? format : JSON.stringify(format),
    learnFormat,
    weights,
    ...(options.layers && { layers: JSON.stringify(options.layers) }),
    delay,
    stepRate,
  };
  return { method, delay, stepRate, gridOf, summary };
}

/** A layer that wishes to stay float32 does; other wishes are what training is to find. */
function wishOf({ quantization }: { quantization?: LayerQuantization }): TrainedLayer {
  return quantization?.format === 'float32' ? { format: 'float32' } : {};
}

function gridFor(
  { format, weightBits, activationBits }: Required<TrainedLayer>,
  [rows, length]: readonly [rows: number, length: number],
  { isLearned, learnFormat }: { isLearned: boolean; learnFormat: boolean },
): WeightGrid {
  if (format === 'float32') return new NoGrid();
  if (isFp8Format(format)) return new Fp8WeightGrid(rows, length, format, isLearned, learnFormat);
  const isTernary = weightBits === 'ternary';
  const bits = isTernary ? 2 : weightBits;
  return new IntegerGrid(rows, length, bits, activationBits, isTernary ? 'ternary' : 'lsq', isLearned);
}

function checkedLayers(graph: Graph, layers: unknown): Readonly<Record<string, TrainedLayer>> {
  if (typeof layers !== 'object' || layers === null)
    throw expected('ERR_ARGUMENT', 'layers to be an object by name', layers);
  const names = graph.nodes.filter(({ op }) => op === 'linear').map(({ name }) => name);
  for (const [name, layer] of Object.entries(layers)) {
    if (!names.includes(name))
      throw expected('ERR_ARGUMENT', `layers named ${names.map((n) => `'${n}'`).join(', ')}`, name);
    checkOptionKeys(`layers['${name}']`, layer ?? null, ['format', 'weightBits', 'activationBits']);
  }
  return Object.assign(Object.create(null), layers) as Record<string, TrainedLayer>;
}

function checkLayer(name: string, { format, weightBits, activationBits }: Required<TrainedLayer>): void {
  if (weightBits !== 'ternary' && !isWeightBits(weightBits))
    throw expected('ERR_ARGUMENT', `weightBits of ${name} to be 8, 4, 3, 2 or 'ternary'`, weightBits);
  if (!isActivationBits(activationBits))
    throw expected(
      'ERR_ARGUMENT',
      `activationBits of ${name} to be one of ${ACTIVATION_BITS}`,
      activationBits,
    );
  if (format === 'float32' || format === 'int8') return;
  if (format === 'int4' || format === 'fp8-search')
    throw new RequantError(
      'ERR_UNSUPPORTED',
      `expected int8, float32, e4m3fn, e5m2 or { mantissa, exponent } as format of ${name} but received '${format}'`,
    );
  checkFp8Format(`format of ${name}`, format);
  if (typeof format === 'object' && format.max !== undefined)
    throw expected('ERR_ARGUMENT', `format of ${name} without max, which is trained`, format.max);
  if (weightBits !== 8 || activationBits !== 8)
    throw new RequantError('ERR_UNSUPPORTED', `expected bits only with format 'int8' in ${name}`);
}
