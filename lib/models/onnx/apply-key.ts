import { type Attributes, elementwiseAttributes } from '../../layers/elementwise';
import { checkWeightScales } from '../../layers/linear';
import type { Graph, Node } from '../graph';
import type { NodeKey, RequantKey } from './requant-key';

/**
 * A float graph with what the key says about it: attributes in float64, weight scales to keep, what made the model. A key
 * that does not fit is of a file that was changed since: the graph is right.
 *
 * Errors: those of `checkWeightScales`.
 */
export function applyKey(graph: Graph, { nodes, record }: RequantKey): Graph {
  return {
    ...graph,
    record,
    nodes: graph.nodes.map((node) => {
      const key = nodes.get(node.name);
      return key === undefined ? node : applied(node, key, graph);
    }),
  };
}

function applied(node: Node, { attributes, scale }: NodeKey, { values }: Graph): Node {
  if ('attributes' in node && attributes !== undefined && agrees(node.attributes, attributes))
    return { ...node, attributes: elementwiseAttributes(node.op, { ...node.attributes, ...attributes }) };
  if (node.op === 'layerNorm' && attributes !== undefined && agrees({ epsilon: node.epsilon }, attributes))
    return { ...node, epsilon: attributes['epsilon'] as number };
  if (node.op === 'linear' && node.mode === 'float' && scale !== undefined) {
    checkWeightScales(node.name, scale, [1, values.get(node.output)!.features]);
    return { ...node, quantization: { scale } };
  }
  return node;
}

function agrees(attributes: Attributes, exact: Attributes): boolean {
  return Object.entries(exact).every(([key, value]) => Math.fround(value as number) === attributes[key]);
}
