import { clampBounds } from '../layers/elementwise';
import { type Graph, type LayerNormNode, type LinearNode, type Node, readersOf } from '../models/graph';

/** Where the features of a value can be scaled: in the rows of the node that writes it, undone in the columns that read it. */
export interface Scalable {
  /** All that read the value. */
  readonly readers: readonly LinearNode[];
  /** Writes it, through nothing but nodes that scale with it. Of a layer norm, gamma and beta are scaled. */
  readonly writer: LinearNode | LayerNormNode;
}

/** The value that `reader` reads has nowhere to be scaled, and why not. */
export interface NotScalable {
  readonly reason: string;
}

/** f(s·x) = s·f(x) for every s > 0. */
function isHomogeneous(node: Node): boolean {
  if (node.op === 'leakyRelu') return true;
  if (!('attributes' in node)) return false;
  const [low, high] = clampBounds(node.op, node.attributes) ?? [Number.NaN, Number.NaN];
  const isEnd = (bound: number): boolean => bound === 0 || !Number.isFinite(bound);
  return !Number.isNaN(low) && isEnd(low) && isEnd(high);
}

/** Where the input of linear nodes can be scaled, by that value's name, in the order of the graph. */
export function scalableInputs(graph: Graph): ReadonlyMap<string, Scalable | NotScalable> {
  const readers = readersOf(graph);
  const writers = new Map(graph.nodes.map((node) => [node.output, node]));
  const found = new Map<string, Scalable | NotScalable>();
  for (const node of graph.nodes) {
    const [value] = node.inputs;
    if (node.op === 'linear' && !found.has(value!)) found.set(value!, scalable(value!, readers, writers));
  }
  return found;
}

export function isScalable(found: Scalable | NotScalable): found is Scalable {
  return 'writer' in found;
}

function scalable(
  value: string,
  readers: ReturnType<typeof readersOf>,
  writers: ReadonlyMap<string, Node>,
): Scalable | NotScalable {
  const own = readers.get(value)!;
  if (!own.every((reader): reader is LinearNode => reader?.op === 'linear'))
    return { reason: 'other layers read the value too' };
  for (let name = value; ; ) {
    const writer = writers.get(name);
    if (writer === undefined) return { reason: "it is the model's input" };
    if (writer.op === 'linear' || writer.op === 'layerNorm') return { readers: own, writer };
    if (!isHomogeneous(writer)) return { reason: `it comes from '${writer.name}' (${writer.op})` };
    [name] = writer.inputs as [string];
    if (readers.get(name)!.length > 1) return { reason: 'other layers read what it comes from' };
  }
}
