import { RequantError } from '../errors';
import { concat, residual } from '../layers/branches';
import type { Layer } from '../layers/layer';
import type { LinearLayer } from '../layers/linear';
import type { LayerNormLayer } from '../layers/row-functions';
import type { Graph, LayerNormNode, LinearNode, Node } from './graph';
import { checkCount, MAX_NESTING } from './limits';

/**
 * Nodes → nested layers, the inverse of `flatten`. Every add is x + f(x) with its first input x, and the branches of a
 * concat start at one value. Errors: ERR_UNSUPPORTED where the graph has another form, ERR_LIMIT.
 */
export function unflatten(graph: Graph): readonly Layer[] {
  const writer = new Map(graph.nodes.map((node) => [node.output, node]));
  const used = new Set<Node>();
  /** Where the branches of each concat start. Filled in order, so that none is looked for twice, or recursively. */
  const origins = new Map<Node, string>();

  /** The layers between two values. */
  function between(from: string, to: string, depth: number): Layer[] {
    checkCount('layers inside of each other', depth, MAX_NESTING);
    const layers: Layer[] = [];
    for (let value = to; value !== from; ) {
      const node = writer.get(value);
      if (node === undefined || used.has(node)) throw unsupported(value);
      used.add(node);
      const before = previous(node);
      layers.unshift(layerOf(node, before, depth + 1));
      value = before;
    }
    return layers;
  }

  /** The value a node's layer starts from. */
  function previous(node: Node): string {
    return origins.get(node) ?? node.inputs[0]!;
  }

  /** Values that a value depends on along the layers of its own list, nearest first. */
  function spine(value: string): string[] {
    const values = [value];
    for (let node = writer.get(value); node !== undefined; node = writer.get(values.at(-1)!)) {
      values.push(previous(node));
    }
    return values;
  }

  function commonOrigin(node: Node): string {
    const [first, ...others] = node.inputs.map(spine);
    const origin = first!.find((value) => others.every((values) => values.includes(value)));
    if (origin === undefined) throw unsupported(node.output);
    return origin;
  }

  function layerOf(node: Node, before: string, depth: number): Layer {
    switch (node.op) {
      case 'linear':
        return linearLayer(node, graph);
      case 'add':
        return named(residual(between(before, node.inputs[1]!, depth)), node.name);
      case 'concat':
        return named(concat(node.inputs.map((input) => between(before, input, depth))), node.name);
      case 'softmax':
      case 'logSoftmax':
        return Object.freeze({ type: node.op, name: node.name });
      case 'layerNorm':
        return layerNormLayer(node, graph);
      case 'quantize':
      case 'dequantize':
        throw unsupported(node.output);
      default:
        return Object.freeze({ type: node.op, attributes: node.attributes, name: node.name });
    }
  }

  for (const node of graph.nodes) if (node.op === 'concat') origins.set(node, commonOrigin(node));
  const layers = between(graph.input, graph.output, 0);
  if (used.size !== graph.nodes.length) throw unsupported(graph.output);
  return Object.freeze(layers);
}

function linearLayer(node: LinearNode, graph: Graph): LinearLayer {
  return Object.freeze({
    type: 'linear' as const,
    name: node.name,
    inFeatures: graph.values.get(node.inputs[0]!)!.features,
    outFeatures: graph.values.get(node.output)!.features,
    weight: node.weight.data as Float32Array,
    bias: (node.bias as Float32Array | undefined) ?? false,
    ...(node.quantization && { quantization: node.quantization }),
  });
}

function layerNormLayer(node: LayerNormNode, graph: Graph): LayerNormLayer {
  const { name, epsilon, gamma, beta } = node;
  return Object.freeze({
    type: 'layerNorm' as const,
    name,
    features: graph.values.get(node.output)!.features,
    epsilon,
    ...(gamma && { weight: gamma }),
    ...(beta && { bias: beta }),
  });
}

function named(layer: Layer, name: string): Layer {
  return Object.freeze({ ...layer, name });
}

function unsupported(value: string): RequantError {
  return new RequantError(
    'ERR_UNSUPPORTED',
    `expected a chain of layers, x + f(x) and concatenated branches of one value, but value '${value}' is wired otherwise`,
  );
}
