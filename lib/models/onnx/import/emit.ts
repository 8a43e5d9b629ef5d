import { expected, RequantError } from '../../../errors';
import { MAX_FEATURES } from '../../../layers/linear';
import { findNonFinite } from '../../../quantization/float32';
import { activationTable } from '../../activation-table';
import { checkGraph } from '../../check-graph';
import { type ElementwiseNode, type Graph, isCodes, type Node, type Value } from '../../graph';
import { checkCount, checkTotalFeatures, MAX_NODES, MAX_VALUES } from '../../limits';
import { exactAttributes, exactEpsilon } from '../keyed';
import type { NodeKey, RequantKey } from '../requant-key';
import type { DraftNode, LayerNormDraft } from './draft';
import type { Quantized } from './quantized/fuse';
import { linearNode } from './quantized/linear-node';
import { checkProblems, type Problems, type Translation } from './translate';

/** The model's own graph of these nodes. Errors: ERR_UNSUPPORTED (steps that are part of nothing larger), ERR_LIMIT. */
export function emit(
  { draft, names: known }: Translation,
  { nodes: drafts, output, grids }: Quantized,
  key: RequantKey | undefined,
): Graph {
  const nameOf = valueNames([draft.input, ...drafts.map((node) => node.output)], known);
  const problems: Problems = [];
  const names = new Set<string>();
  const nodes: Node[] = [];
  const values = new Map<string, Value>(
    [draft.input, ...drafts.map((node) => node.output)].map((name) => {
      const features = draft.features.get(name)!;
      const grid = grids.get(name);
      return [nameOf(name), grid === undefined ? { features, dtype: 'float32' } : { features, ...grid }];
    }),
  );
  for (const node of drafts) {
    const inputs = node.inputs.map(nameOf);
    if (isPerFeatureWrong(node, grids))
      problems.push(
        `${node.source} (codes with a scale a feature, which only the input has, for linear nodes of integer weights)`,
      );
    const renamed = { ...node, inputs, output: nameOf(node.output) };
    const made = emitNode(renamed, freeName(node.name, names), values, key?.nodes.get(node.name));
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
  checkCount('nodes', nodes.length, MAX_NODES);
  checkCount('values', values.size, MAX_VALUES);
  for (const { features } of values.values()) checkCount('features in a value', features, MAX_FEATURES);
  checkTotalFeatures(values);
  const graph: Graph = {
    kind: nodes.some(isQuantized) ? 'quantized' : (key?.kind ?? 'float'),
    rounding: key?.rounding ?? 'float32',
    input: nameOf(draft.input),
    output: nameOf(output),
    values,
    nodes,
    record: key?.record ?? [],
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

function isQuantized(node: Node): boolean {
  return (
    node.op === 'quantize' || node.op === 'dequantize' || (node.op === 'linear' && node.mode !== 'float')
  );
}

function isPerFeatureWrong({ op, inputs, output, ...rest }: DraftNode, grids: Quantized['grids']): boolean {
  const isPerFeature = (name: string) => (grids.get(name)?.scale.length ?? 1) > 1;
  const isStatic = op === 'linear' && 'mode' in rest && rest.mode === 'static';
  return isPerFeature(output) || (inputs.some(isPerFeature) && !isStatic);
}

/** Undefined for a step that no model has by itself. */
function emitNode(
  node: DraftNode,
  name: string,
  values: ReadonlyMap<string, Value>,
  key: NodeKey | undefined,
): Node | undefined {
  const { inputs, output } = node;
  const base = { name, inputs, output };
  switch (node.op) {
    case 'linear':
      return linearNode({ ...node, name }, values, key);
    case 'softmax':
    case 'logSoftmax':
    case 'add':
    case 'concat':
    case 'quantize':
    case 'dequantize':
      return { ...base, op: node.op };
    case 'layerNorm':
      checkFinite(node);
      return {
        ...base,
        op: 'layerNorm',
        epsilon: exactEpsilon(node.epsilon, key),
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
      return elementwiseNode({ ...base, op: node.op, attributes: node.attributes }, values, key);
  }
}

/** Between codes it is a table. */
function elementwiseNode(
  given: ElementwiseNode,
  values: ReadonlyMap<string, Value>,
  key: NodeKey | undefined,
): ElementwiseNode {
  const node = { ...given, attributes: exactAttributes(given.op, given.attributes, key) };
  const [from, to] = [values.get(node.inputs[0]!)!, values.get(node.output)!];
  return isCodes(from) && isCodes(to) ? { ...node, table: activationTable(node, from, to) } : node;
}
