import { expected } from '../errors';
import type { LayerQuantization } from '../layers/layer';
import type { Graph, LinearNode, Node, RecordStep } from '../models/graph';
import { MLP } from '../models/mlp';

/** What a method gives a node in place of its own; arrays are taken over, not copied. Null takes a wish away. */
export interface LinearChange {
  readonly weight?: Float32Array;
  readonly bias?: Float32Array;
  readonly quantization?: LayerQuantization | null;
}

/** The same of a layer norm. */
export interface NormChange {
  readonly gamma?: Float32Array;
  readonly beta?: Float32Array;
}

/** By the node's name. */
export type Changes = ReadonlyMap<string, LinearChange | NormChange>;

/** A new model of the same layers with some of their parameters or wishes changed; `step` says in its record by what. */
export function rebuilt(model: MLP, changes: Changes, step: RecordStep): MLP {
  const { graph, metadata } = model;
  const nodes = graph.nodes.map((node) => changed(node, changes.get(node.name)));
  return MLP.fromGraph({ ...graph, nodes, record: [...graph.record, step] }, metadata);
}

function changed(node: Node, change: LinearChange | NormChange | undefined): Node {
  if (change === undefined) return node;
  if (node.op === 'linear') return changedLinear(node, change as LinearChange);
  return node.op === 'layerNorm' ? { ...node, ...(change as NormChange) } : node;
}

function changedLinear(node: LinearNode, { weight, bias, quantization }: LinearChange): LinearNode {
  const { quantization: before, ...rest } = node;
  const wish = quantization === undefined ? before : quantization;
  return {
    ...rest,
    ...(weight && { weight: { format: 'float32', data: weight } }),
    ...(bias && { bias }),
    ...(wish && { quantization: wish }),
  };
}

/** The linear nodes of a float graph, in order. */
export function linearNodes(graph: Graph): LinearNode[] {
  return graph.nodes.filter((node): node is LinearNode => node.op === 'linear');
}

export function floatWeight(node: LinearNode): Float32Array {
  return node.weight.data as Float32Array;
}

/** Errors: ERR_MODEL_KIND. */
export function checkFloatModel(model: unknown): asserts model is MLP {
  if (!(model instanceof MLP)) throw expected('ERR_MODEL_KIND', 'a float MLP', model);
}
