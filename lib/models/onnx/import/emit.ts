import { expected, RequantError } from '../../../errors';
import { MAX_FEATURES } from '../../../layers/linear';
import { findNonFinite } from '../../../quantization/float32';
import { checkGraph } from '../../check-graph';
import type { Graph, Node, Value } from '../../graph';
import { checkCount, checkTotalFeatures, MAX_NODES, MAX_VALUES } from '../../limits';
import type { DraftNode, LayerNormDraft } from './draft';
import { checkProblems, type Problems, type Translation } from './translate';

/** The model's own graph of these nodes. Errors: ERR_UNSUPPORTED (steps that are part of nothing larger), ERR_LIMIT. */
export function emit({ draft, output, names: known }: Translation, drafts: readonly DraftNode[]): Graph {
  const nameOf = valueNames([draft.input, ...drafts.map((node) => node.output)], known);
  const problems: Problems = [];
  const names = new Set<string>();
  const nodes: Node[] = [];
  for (const node of drafts) {
    const inputs = node.inputs.map(nameOf);
    const made = emitNode({ ...node, inputs, output: nameOf(node.output) }, freeName(node.name, names));
    if (made === undefined)
      problems.push(`${node.source} (known only as a part of GELU, SiLU, HardSwish and layer normalization)`);
    else nodes.push(made);
  }
  checkProblems(problems);
  if (nodes.length === 0)
    throw new RequantError(
      'ERR_UNSUPPORTED',
      'expected an ONNX model that computes something but received its input as output',
    );
  const values = new Map<string, Value>(
    [draft.input, ...drafts.map((node) => node.output)].map((name) => [
      nameOf(name),
      { features: draft.features.get(name)!, dtype: 'float32' },
    ]),
  );
  checkCount('nodes', nodes.length, MAX_NODES);
  checkCount('values', values.size, MAX_VALUES);
  for (const { features } of values.values()) checkCount('features in a value', features, MAX_FEATURES);
  checkTotalFeatures(values);
  const graph: Graph = {
    kind: 'float',
    rounding: 'float32',
    input: nameOf(draft.input),
    output: nameOf(output),
    values,
    nodes,
    record: [],
  };
  checkGraph(graph);
  return graph;
}

/** Those of the file, and others for what has none there. */
function valueNames(
  values: readonly string[],
  known: ReadonlyMap<string, string>,
): (value: string) => string {
  const taken = new Set(values.flatMap((value) => known.get(value) ?? []));
  const names = new Map(values.map((value) => [value, known.get(value) ?? freeName(value, taken)]));
  return (value) => names.get(value)!;
}

/** As a model file holds them. Errors: ERR_FORMAT. */
function checkFinite({ source, weight, bias }: LayerNormDraft): void {
  for (const values of [weight, bias]) {
    const bad = values && findNonFinite(values);
    if (bad !== undefined) throw expected('ERR_FORMAT', `finite numbers as parameters of ${source}`, bad);
  }
}

function freeName(wish: string, names: Set<string>): string {
  let name = wish;
  for (let i = 2; names.has(name); i++) name = `${wish}#${i}`;
  names.add(name);
  return name;
}

/** Undefined for a step that no model has by itself. */
function emitNode(node: DraftNode, name: string): Node | undefined {
  const { inputs, output } = node;
  const base = { name, inputs, output };
  switch (node.op) {
    case 'linear':
      return {
        ...base,
        op: 'linear',
        mode: 'float',
        weight: { format: 'float32', data: node.weight },
        ...(node.bias && { bias: node.bias }),
      };
    case 'softmax':
    case 'logSoftmax':
    case 'add':
    case 'concat':
      return { ...base, op: node.op };
    case 'layerNorm':
      checkFinite(node);
      return {
        ...base,
        op: 'layerNorm',
        epsilon: node.epsilon,
        ...(node.weight && { gamma: node.weight }),
        ...(node.bias && { beta: node.bias }),
      };
    case 'affine':
    case 'multiply':
    case 'center':
    case 'divide':
    case 'power':
    case 'erf':
    case 'sqrt':
    case 'reciprocal':
    case 'mean':
      return undefined;
    default:
      return { ...base, op: node.op, attributes: node.attributes };
  }
}
