import { expected } from '../errors';
import { type ConcatLayer, concat, type ResidualLayer, residual } from '../layers/branches';
import { type ElementwiseLayer, elementwise, isElementwiseOp } from '../layers/elementwise';
import type { Layer } from '../layers/layer';
import { type LinearLayer, linear, MAX_FEATURES } from '../layers/linear';
import { type LayerNormLayer, layerNorm } from '../layers/row-functions';
import { Random } from '../random';
import type { Graph, LinearNode, Node, Value } from './graph';
import { checkCount, MAX_NESTING } from './limits';
import { checkedWish } from './wish';

export const INPUT_NAME = 'input';
const MAX_NAME_LENGTH = 256;

/** Nested layers → nodes. Weights are copied, or drawn with `seed` where missing. Errors: ERR_ARGUMENT, ERR_SHAPE, ERR_LIMIT, ERR_UNSUPPORTED. */
export function flatten(given: readonly Layer[], seed = 0): Graph {
  if (!Array.isArray(given)) throw expected('ERR_ARGUMENT', 'a list of layers', given);
  const layers = checkedLayers(given, 0);
  const features = inputFeatures(layers);
  if (features === undefined)
    throw expected('ERR_ARGUMENT', 'at least one linear layer or layer norm', 'none');
  const builder = new GraphBuilder(features, new Random(seed));
  const output = builder.sequence(layers, INPUT_NAME, '');
  return {
    kind: 'float',
    rounding: 'half-up',
    input: INPUT_NAME,
    output,
    values: builder.values,
    nodes: builder.nodes,
    record: [],
  };
}

/** A layer is plain data that anyone may write: made again by its own function, it is checked and complete. */
function checkedLayers(layers: readonly Layer[], depth: number): Layer[] {
  checkCount('layers inside of each other', depth, MAX_NESTING);
  return Array.from(layers, (layer) => checkedLayer(layer, depth));
}

function checkedLayer(layer: Layer, depth: number): Layer {
  if (typeof layer !== 'object' || layer === null) throw expected('ERR_ARGUMENT', 'a layer', layer);
  const { name, quantization } = layer;
  return {
    ...made(layer, depth),
    ...(name !== undefined && { name }),
    ...(quantization !== undefined && { quantization }),
  };
}

function made(layer: Layer, depth: number): Layer {
  if (isElementwiseOp(layer.type))
    return elementwise(layer.type, (layer as ElementwiseLayer).attributes ?? {});
  switch (layer.type) {
    case 'linear': {
      const { inFeatures, outFeatures, weight, bias } = layer as LinearLayer;
      return linear({
        inFeatures,
        outFeatures,
        ...(weight && { weight }),
        ...(bias !== undefined && { bias }),
      });
    }
    case 'layerNorm': {
      const { features, epsilon, weight, bias } = layer as LayerNormLayer;
      return layerNorm({
        features,
        ...(epsilon !== undefined && { epsilon }),
        ...(weight && { weight }),
        ...(bias && { bias }),
      });
    }
    case 'residual': {
      const { layers } = residual((layer as ResidualLayer).layers) as ResidualLayer;
      return residual(checkedLayers(layers, depth + 1));
    }
    case 'concat': {
      const { branches } = concat((layer as ConcatLayer).branches) as ConcatLayer;
      return concat(branches.map((branch) => checkedLayers(branch, depth + 1)));
    }
    default:
      return layer;
  }
}

/** Only linear layers and layer norms know their features; the first one met says what the model takes. */
function inputFeatures(layers: readonly Layer[]): number | undefined {
  for (const layer of layers) {
    const found = featuresInside(layer);
    if (found !== undefined) return found;
    if (layer.type === 'concat') return undefined; // side by side: what follows sees other features
  }
  return undefined;
}

function featuresInside(layer: Layer): number | undefined {
  if (layer.type === 'linear') return (layer as LinearLayer).inFeatures;
  if (layer.type === 'layerNorm') return (layer as LayerNormLayer).features;
  if (layer.type === 'residual') return inputFeatures((layer as ResidualLayer).layers);
  if (layer.type !== 'concat') return undefined;
  for (const branch of (layer as ConcatLayer).branches) {
    const found = inputFeatures(branch);
    if (found !== undefined) return found;
  }
  return undefined;
}

class GraphBuilder {
  readonly nodes: Node[] = [];
  readonly values = new Map<string, Value>();

  constructor(
    features: number,
    private readonly random: Random,
  ) {
    this.values.set(INPUT_NAME, { features, dtype: 'float32' });
  }

  /** Appends the layers; returns the name of the last value. Names are the index in the list, after the parent's. */
  sequence(layers: readonly Layer[], input: string, prefix: string): string {
    return layers.reduce((value, layer, i) => this.layer(layer, value, layer.name ?? `${prefix}${i}`), input);
  }

  private layer(layer: Layer, input: string, name: string): string {
    switch (layer.type) {
      case 'linear':
        return this.linear(layer as LinearLayer, input, name);
      case 'softmax':
      case 'logSoftmax':
        return this.add({ name, op: layer.type, inputs: [input], output: name }, this.features(input));
      case 'layerNorm':
        return this.layerNorm(layer as LayerNormLayer, input, name);
      case 'residual':
        return this.residual(layer as ResidualLayer, input, name);
      case 'concat':
        return this.concat(layer as ConcatLayer, input, name);
      default:
        return this.elementwise(layer as ElementwiseLayer, input, name);
    }
  }

  private linear(layer: LinearLayer, input: string, name: string): string {
    const { inFeatures, outFeatures } = layer;
    if (this.features(input) !== inFeatures) {
      throw expected(
        'ERR_SHAPE',
        `linear layer '${name}' to take ${this.features(input)} features`,
        inFeatures,
      );
    }
    // PyTorch's Linear: weight and bias uniform in ±1/√in.
    const bound = 1 / Math.sqrt(inFeatures);
    const draw = (length: number) =>
      Float32Array.from({ length }, () => (2 * this.random.uniform() - 1) * bound);
    const weight = layer.weight?.slice() ?? draw(outFeatures * inFeatures);
    const bias =
      layer.bias === true ? draw(outFeatures) : layer.bias === false ? undefined : layer.bias.slice();
    const quantization =
      layer.quantization === undefined
        ? undefined
        : checkedWish(name, layer.quantization, outFeatures, inFeatures);
    const node: LinearNode = {
      name,
      op: 'linear',
      inputs: [input],
      output: name,
      mode: 'float',
      weight: { format: 'float32', data: weight },
      ...(bias && { bias }),
      ...(quantization && { quantization }),
    };
    return this.add(node, outFeatures);
  }

  private layerNorm(layer: LayerNormLayer, input: string, name: string): string {
    const { features, epsilon, weight, bias } = layer;
    if (this.features(input) !== features)
      throw expected('ERR_SHAPE', `layer norm '${name}' to take ${this.features(input)} features`, features);
    const node: Node = {
      name,
      op: 'layerNorm',
      inputs: [input],
      output: name,
      epsilon,
      ...(weight && { gamma: weight.slice() }),
      ...(bias && { beta: bias.slice() }),
    };
    return this.add(node, features);
  }

  private elementwise(layer: ElementwiseLayer, input: string, name: string): string {
    if (!isElementwiseOp(layer.type))
      throw expected('ERR_UNSUPPORTED', `a known layer as '${name}'`, layer.type);
    const node: Node = { name, op: layer.type, inputs: [input], output: name, attributes: layer.attributes };
    return this.add(node, this.features(input));
  }

  private residual(layer: ResidualLayer, input: string, name: string): string {
    const inner = this.sequence(layer.layers, input, `${name}.`);
    if (this.features(inner) !== this.features(input)) {
      throw expected(
        'ERR_SHAPE',
        `residual '${name}' to keep ${this.features(input)} features`,
        this.features(inner),
      );
    }
    return this.add({ name, op: 'add', inputs: [input, inner], output: name }, this.features(input));
  }

  private concat(layer: ConcatLayer, input: string, name: string): string {
    const inputs = layer.branches.map((branch, i) => this.sequence(branch, input, `${name}.${i}.`));
    if (inputs.length === 1) return inputs[0]!;
    const features = inputs.reduce((sum, value) => sum + this.features(value), 0);
    return this.add({ name, op: 'concat', inputs, output: name }, features);
  }

  private features(value: string): number {
    return this.values.get(value)!.features;
  }

  private add(node: Node, features: number): string {
    const { name } = node;
    if (typeof name !== 'string' || name.length === 0 || name.length > MAX_NAME_LENGTH) {
      throw expected('ERR_ARGUMENT', `a layer name of 1 to ${MAX_NAME_LENGTH} characters`, name);
    }
    if (this.values.has(name))
      throw expected('ERR_ARGUMENT', `unique layer names other than '${INPUT_NAME}'`, name);
    if (features > MAX_FEATURES)
      throw expected('ERR_LIMIT', `at most ${MAX_FEATURES} features for '${name}'`, features);
    this.nodes.push(node);
    this.values.set(name, { features, dtype: 'float32' });
    return name;
  }
}
