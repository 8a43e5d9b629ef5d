import { isElementwiseOp } from '../../layers/elementwise';
import { type Graph, type LinearNode, type Node, readersOf } from '../../models/graph';
import { linearNodes } from '../rebuild';

/** The output features of a Linear layer that can be taken out one by one: hidden neurons. */
export interface HiddenLayer {
  readonly writer: LinearNode;
  /** All that read them, through elementwise nodes alone. */
  readonly readers: readonly LinearNode[];
  /** The writer's output and those of the elementwise nodes: feature j of each belongs to neuron j. */
  readonly values: readonly string[];
}

/** A Linear layer whose outputs all stay, and why. */
export interface FixedLayer {
  readonly writer: LinearNode;
  readonly reason: string;
}

export function isHidden(layer: HiddenLayer | FixedLayer): layer is HiddenLayer {
  return 'readers' in layer;
}

/**
 * Every Linear layer of a float graph, in order. Neurons can leave where nothing but elementwise nodes stands between them and
 * Linear layers; what an add, a concat, a layer norm, a softmax or the caller reads keeps its features.
 */
export function hiddenLayers(graph: Graph): (HiddenLayer | FixedLayer)[] {
  const readers = readersOf(graph);
  return linearNodes(graph).map((writer) => hiddenLayer(writer, readers));
}

function hiddenLayer(
  writer: LinearNode,
  readersOfValue: ReadonlyMap<string, readonly (Node | undefined)[]>,
): HiddenLayer | FixedLayer {
  const values = [writer.output];
  const readers: LinearNode[] = [];
  for (const value of values) {
    for (const reader of readersOfValue.get(value) ?? []) {
      if (reader === undefined) return { writer, reason: "they are the model's output" };
      if (reader.op === 'linear') readers.push(reader);
      else if (isElementwiseOp(reader.op)) values.push(reader.output);
      else return { writer, reason: `'${reader.name}' (${reader.op}) reads them` };
    }
  }
  return readers.length > 0 ? { writer, readers, values } : { writer, reason: 'nothing reads them' };
}
