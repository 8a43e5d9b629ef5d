import { expected, RequantError } from '../../errors';
import type { Format, LayerQuantization, Mode } from '../../layers/layer';
import { checkWeightScales } from '../../layers/linear';
import {
  ACTIVATION_BITS,
  type ActivationBits,
  isActivationBits,
  isWeightBits,
  WEIGHT_BITS,
  type WeightBits,
} from '../../quantization/bits';
import {
  DEFAULT_GROUP_SIZE,
  GROUP_SIZES,
  type GroupSize,
  groupCount,
  isGroupSize,
} from '../../quantization/int4';
import { ROUNDINGS, type Rounding } from '../../quantization/rounding';
import { checkOptionKeys, checkWord } from '../../runtime/checks';
import { checkFp8Wish, type Fp8Choice, isFp8Choice } from '../fp8-choice';
import type { Graph, LinearMode, LinearNode } from '../graph';
import { RUNTIME_OPTION_KEYS, type RuntimeOptions } from '../runtime-options';
import { checkFormat, MODES, WISH_KEYS } from '../wish';

export interface QuantizeOptions extends RuntimeOptions {
  /** Default 'static'. */
  mode?: Mode;
  /**
   * Of the weights. 'int4' is for 'dynamic' and 'weight-only'; 'e4m3fn', 'e5m2', { mantissa, exponent, max? } and
   * 'fp8-search' (the format of the smallest error, for each layer) for 'static', where the layers' inputs are float8 as
   * well, and 'weight-only'. `max` is the largest weight; default each output feature's own. Default 'int8'.
   */
  format?: Format;
  /** Weights that share a scale, for format 'int4'. Default 32. */
  groupSize?: GroupSize;
  /** Of int8 weights: symmetric codes ±(2^(bits − 1) − 1), in a byte each. Default 8. */
  bits?: WeightBits;
  /**
   * Of the codes that static int8 layers read. Default 8. A value that several of them read has the fewest bits that one
   * of them wishes; others, such as what a table or an addition reads, have 8.
   */
  activationBits?: ActivationBits;
  /** Default 'half-up'. */
  rounding?: Rounding;
  /** One scale an output feature, or one a layer. Default 'per-channel'. */
  weights?: 'per-channel' | 'per-tensor';
  /** uint8 with a zero point, or int8 around 0. Default 'asymmetric'. */
  activations?: 'asymmetric' | 'symmetric';
  /** One input scale, or one a feature (folded into the first weights: raw tabular columns). Default 'per-tensor'. */
  inputs?: 'per-tensor' | 'per-feature';
  /** What the last Linear writes: float32 straight from its accumulator (default), or codes. */
  output?: 'float32' | 'int8' | 'uint8';
  /** By layer name; stronger than the options above and the layers' own `quantization`. */
  layers?: Readonly<Record<string, LayerQuantization>>;
}

/** The options, completed, and what becomes of each linear layer. */
export interface Settings {
  readonly rounding: Rounding;
  readonly perTensorWeights: boolean;
  readonly symmetric: boolean;
  readonly perFeatureInputs: boolean;
  readonly output: 'float32' | 'int8' | 'uint8';
  readonly layers: ReadonlyMap<LinearNode, LayerSettings>;
}

export interface LayerSettings {
  readonly mode: LinearMode;
  /** Weight scales chosen beforehand. */
  readonly scale: Float32Array | undefined;
  /** Of int8 weights. */
  readonly bits: WeightBits;
  /** Of what a static layer reads; missing: 8. */
  readonly activationBits?: ActivationBits;
  /** float8 weights; with mode 'fp8' the input is float8 too. */
  readonly fp8?: Fp8Choice;
  /** int4 weights, in groups of so many. */
  readonly groupSize?: GroupSize;
}

/** Beside the keys of RuntimeOptions. */
export const QUANTIZE_OPTION_KEYS = [
  'mode',
  'format',
  'groupSize',
  'bits',
  'activationBits',
  'rounding',
  'weights',
  'activations',
  'inputs',
  'output',
  'layers',
];

export function quantizeSettings(graph: Graph, options: QuantizeOptions): Settings {
  checkOptionKeys('options', options, [...QUANTIZE_OPTION_KEYS, ...RUNTIME_OPTION_KEYS]);
  const { mode = 'static', format = 'int8', rounding = 'half-up', weights = 'per-channel' } = options;
  const { activations = 'asymmetric', inputs = 'per-tensor', output = 'float32' } = options;
  checkWord('mode', mode, MODES);
  checkWord('rounding', rounding, ROUNDINGS);
  checkWord('weights', weights, ['per-channel', 'per-tensor']);
  checkWord('activations', activations, ['asymmetric', 'symmetric']);
  checkWord('inputs', inputs, ['per-tensor', 'per-feature']);
  checkWord('output', output, ['float32', 'int8', 'uint8']);
  if (options.bits !== undefined) checkBits(options.bits);
  if (options.activationBits !== undefined) checkActivationBits(options.activationBits);
  const common: LayerQuantization = {
    mode,
    format,
    ...(options.groupSize !== undefined && { groupSize: options.groupSize }),
  };

  const linears = graph.nodes.filter((node): node is LinearNode => node.op === 'linear');
  const { layers: wishes = {} } = options;
  if (typeof wishes !== 'object' || wishes === null)
    throw expected('ERR_ARGUMENT', 'layers to be an object by name', wishes);
  const stray = Object.keys(wishes).find((name) => !linears.some((node) => node.name === name));
  if (stray !== undefined)
    throw expected('ERR_ARGUMENT', `layers named ${linears.map((n) => `'${n.name}'`).join(', ')}`, stray);
  const layers = new Map(
    linears.map((node) => {
      const own = Object.hasOwn(wishes, node.name) ? wishes[node.name] : undefined;
      checkOptionKeys(`layers['${node.name}']`, own, WISH_KEYS);
      return [node, layerSettings(node, common, chosenFor(node, own, format), graph, options)];
    }),
  );
  if (options.bits !== undefined && [...layers.values()].every(({ groupSize }) => groupSize !== undefined))
    throw expected('ERR_UNSUPPORTED', "bits only with format 'int8'", options.bits);
  if (options.activationBits === 4 && [...layers.values()].every((q) => q.activationBits === undefined))
    throw expected('ERR_UNSUPPORTED', "activationBits 4 only with format 'int8' and mode 'static'", 4);
  if (options.groupSize !== undefined && [...layers.values()].every((q) => q.groupSize === undefined))
    throw expected('ERR_UNSUPPORTED', "groupSize only with format 'int4'", options.groupSize);
  return {
    rounding,
    perTensorWeights: weights === 'per-tensor',
    symmetric: activations === 'symmetric',
    perFeatureInputs: inputs === 'per-feature',
    output,
    layers,
  };
}

/** A layer's options over its wish: of another format, they leave only the mode of it. */
function chosenFor(
  { quantization: wish = {} }: LinearNode,
  own: LayerQuantization = {},
  common: Format,
): LayerQuantization {
  const { mode, format = common } = wish;
  const isOther = own.format !== undefined && own.format !== format;
  return isOther ? { ...(mode !== undefined && { mode }), ...own } : { ...wish, ...own };
}

function checkBits(bits: unknown): void {
  if (!isWeightBits(bits)) throw expected('ERR_ARGUMENT', `bits to be one of ${WEIGHT_BITS}`, bits);
}

function checkActivationBits(bits: unknown): void {
  if (!isActivationBits(bits))
    throw expected('ERR_ARGUMENT', `activationBits to be one of ${ACTIVATION_BITS}`, bits);
}

/** `chosen`: what was wished for this layer alone. */
function layerSettings(
  node: LinearNode,
  common: LayerQuantization,
  chosen: LayerQuantization,
  graph: Graph,
  all: QuantizeOptions,
): LayerSettings {
  const q = { ...common, ...chosen };
  const { mode = 'static', format = 'int8', scale } = q;
  checkWord(`mode of '${node.name}'`, mode, MODES);
  const outFeatures = graph.values.get(node.output)!.features;
  if (isFp8Choice(format)) return fp8Settings(node.name, mode, format, chosen, outFeatures);
  checkFormat(node.name, { ...chosen, format });
  if (format === 'int4') return int4Settings(node, mode, q, outFeatures, graph);
  if (scale !== undefined) checkWeightScales(node.name, scale, [1, outFeatures]);
  const { bits = all.bits ?? 8 } = chosen;
  if (format === 'float32') return { mode: 'float', scale, bits };
  return { mode, scale, bits, ...narrowInput(node.name, mode, chosen, all) };
}

/** 4 bits of the input, where that is wished; for the layer alone it must be one that reads codes. */
function narrowInput(
  name: string,
  mode: Mode,
  chosen: LayerQuantization,
  all: QuantizeOptions,
): { activationBits?: ActivationBits } {
  const { activationBits = all.activationBits ?? 8 } = chosen;
  if (activationBits === 8) return {};
  if (mode === 'static') return { activationBits };
  if (chosen.activationBits === undefined) return {};
  throw expected('ERR_UNSUPPORTED', `mode 'static' for activations of 4 bits in '${name}'`, mode);
}

/** `chosen`: what was wished for this layer alone: the groupSize of all is for the layers of int4. */
function fp8Settings(
  name: string,
  mode: Mode,
  fp8: Fp8Choice,
  chosen: LayerQuantization,
  outFeatures: number,
): LayerSettings {
  const { scale: given, ...rest } = chosen;
  // A scale that came without a format was chosen for int8.
  const scale = chosen.format === undefined ? undefined : given;
  checkFp8Wish(name, fp8, scale === undefined ? rest : chosen, outFeatures);
  if (mode === 'dynamic') {
    throw new RequantError(
      'ERR_UNSUPPORTED',
      `expected mode 'static' or 'weight-only' for the float8 weights of '${name}' but received 'dynamic'`,
    );
  }
  return { mode: mode === 'static' ? 'fp8' : mode, scale, bits: 8, fp8 };
}

function int4Settings(
  { name, inputs }: LinearNode,
  mode: Mode,
  { groupSize = DEFAULT_GROUP_SIZE, scale }: LayerQuantization,
  outFeatures: number,
  graph: Graph,
): LayerSettings {
  if (mode === 'static') {
    throw new RequantError(
      'ERR_UNSUPPORTED',
      `expected mode 'dynamic' or 'weight-only' for the int4 weights of '${name}' but received 'static'`,
    );
  }
  if (!isGroupSize(groupSize))
    throw expected('ERR_ARGUMENT', `groupSize of '${name}' to be one of ${GROUP_SIZES}`, groupSize);
  const groups = groupCount(graph.values.get(inputs[0]!)!.features, groupSize);
  if (scale !== undefined) checkWeightScales(name, scale, [outFeatures * groups]);
  return { mode, scale, groupSize, bits: 4 };
}
