import { expected } from '../errors';
import { valueNames } from '../models/compile';
import { type Graph, type Node, readersOf } from '../models/graph';

/** Values of two models that stand for the same. */
export interface Pairing {
  readonly by: 'name' | 'order';
  readonly pairs: readonly Pair[];
}

export interface Pair {
  readonly a: string;
  readonly b: string;
  readonly features: number;
}

/**
 * Values of the same name and features. Where those are fewer than the Linear layers, as in models whose names come from
 * different tools, the inputs and what each Linear layer gives to the next, in order.
 *
 * Errors: ERR_SHAPE (neither fits: the Linear layers are not as many, or not as wide).
 */
export function pairValues(a: Graph, b: Graph): Pairing {
  const named = valueNames(a).filter((name) => featuresOf(b, name) === featuresOf(a, name));
  const ends = [layerEnds(a), layerEnds(b)] as const;
  if (named.length > Math.min(ends[0].length, ends[1].length))
    return { by: 'name', pairs: named.map((name) => pair(a, name, name)) };
  const shape = (graph: Graph, values: string[]) => values.map((name) => featuresOf(graph, name)).join(', ');
  const shapes = [shape(a, ends[0]), shape(b, ends[1])];
  if (shapes[0] !== shapes[1])
    throw expected('ERR_SHAPE', `Linear layers of ${shapes[0]} features in both models`, shapes[1]);
  return {
    by: 'order',
    pairs: [pair(a, a.input, b.input), ...ends[0].map((name, i) => pair(a, name, ends[1][i]!))],
  };
}

function pair(graph: Graph, a: string, b: string): Pair {
  return { a, b, features: featuresOf(graph, a)! };
}

function featuresOf({ values }: Graph, name: string): number | undefined {
  return values.get(name)?.features;
}

/** For each Linear layer the last value of what alone follows it: activations and changes of form. */
function layerEnds(graph: Graph): string[] {
  const readers = readersOf(graph);
  return graph.nodes
    .filter(({ op }) => op === 'linear')
    .map(({ output }) => {
      let end = output;
      for (;;) {
        const [reader, ...others] = readers.get(end) ?? [];
        if (others.length > 0 || !isFollower(reader)) return end;
        end = reader.output;
      }
    });
}

function isFollower(node: Node | undefined): node is Node {
  return node !== undefined && ('attributes' in node || node.op === 'quantize' || node.op === 'dequantize');
}
