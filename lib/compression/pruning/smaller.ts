import type { Graph, LinearNode, Value } from '../../models/graph';
import { floatWeight } from '../rebuild';
import type { HiddenLayer } from './hidden';

/** The graph without the marked neurons: fewer rows of the writer, fewer columns of its readers. */
export function withoutNeurons(graph: Graph, layer: HiddenLayer, removed: Uint8Array): Graph {
  const kept = Uint32Array.from(removed.keys()).filter((neuron) => !removed[neuron]);
  const values = new Map<string, Value>(graph.values);
  for (const name of layer.values) values.set(name, { ...graph.values.get(name)!, features: kept.length });
  const readers = new Set(layer.readers.map(({ name }) => name));
  const nodes = graph.nodes.map((node) => {
    if (node.op !== 'linear') return node;
    const fewer = node.name === layer.writer.name ? keepRows(node, kept, removed.length) : node;
    return readers.has(node.name) ? keepColumns(fewer, kept, removed.length) : fewer;
  });
  return { ...graph, values, nodes };
}

function keepRows(node: LinearNode, kept: Uint32Array, before: number): LinearNode {
  const weight = floatWeight(node);
  const inFeatures = weight.length / before;
  const data = new Float32Array(kept.length * inFeatures);
  kept.forEach((neuron, n) => {
    data.set(weight.subarray(neuron * inFeatures, (neuron + 1) * inFeatures), n * inFeatures);
  });
  const bias = node.bias as Float32Array | undefined;
  return {
    ...node,
    weight: { format: 'float32', data },
    ...(bias && { bias: Float32Array.from(kept, (neuron) => bias[neuron]!) }),
  };
}

function keepColumns(node: LinearNode, kept: Uint32Array, before: number): LinearNode {
  const weight = floatWeight(node);
  const outFeatures = weight.length / before;
  const data = new Float32Array(outFeatures * kept.length);
  for (let i = 0; i < data.length; i++) {
    const n = Math.floor(i / kept.length);
    data[i] = weight[n * before + kept[i % kept.length]!]!;
  }
  return { ...node, weight: { format: 'float32', data } };
}
