import { type Graph, type Node, readersOf } from '../graph';
import type { Settings } from './options';

/** Which values are kept as codes; the others are float32. */
export type Representation = ReadonlySet<string>;

type Form = 'codes' | 'float';

/**
 * Walks backwards from what each reader wants. A static Linear reads codes; a float, dynamic or weight-only one, a
 * softmax and a layer norm read float32; other operators pass on what is wanted of their output. So what follows the last static Linear
 * stays float32, straight from its accumulator. A value that is wanted in both forms is kept as codes, but for the
 * model's input, which comes as float32.
 */
export function chooseRepresentation(graph: Graph, settings: Settings): Representation {
  const readers = readersOf(graph);
  const wanted = new Map<string, Set<Form>>();
  const outputForm: Form = settings.output === 'float32' ? 'float' : 'codes';

  const wantedBy = (reader: Node | undefined): Form[] => {
    if (reader === undefined) return [outputForm];
    if (reader.op === 'linear') return [settings.layers.get(reader)!.mode === 'static' ? 'codes' : 'float'];
    if (reader.op === 'softmax' || reader.op === 'logSoftmax' || reader.op === 'layerNorm') return ['float'];
    return wanted.get(reader.output)!.has('codes') ? ['codes'] : ['float'];
  };
  const values = [graph.input, ...graph.nodes.map((node) => node.output)];
  for (const value of values.reverse()) {
    wanted.set(value, new Set((readers.get(value) ?? []).flatMap(wantedBy)));
  }

  const isKeptAsCodes = (value: string) => {
    const forms = wanted.get(value)!;
    return forms.has('codes') && !(value === graph.input && forms.has('float'));
  };
  // Dynamic, weight-only and float layers write float32, and so do the functions behind them: rounded once, after a ReLU
  // has taken its half of the range. Whoever wants codes gets them through a quantize node.
  const writesFloat = new Set<string>();
  for (const node of graph.nodes) {
    const isFloat =
      node.op === 'linear'
        ? settings.layers.get(node)!.mode !== 'static'
        : 'attributes' in node && writesFloat.has(node.inputs[0]!);
    if (isFloat) writesFloat.add(node.output);
  }
  return new Set(values.filter((value) => isKeptAsCodes(value) && !writesFloat.has(value)));
}
