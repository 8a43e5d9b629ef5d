import { expected, RequantError } from '../../../errors';
import type { OnnxModel, OnnxNode } from '../../../formats/onnx';
import type { RequantKey } from '../requant-key';
import { Budget } from './budget';
import { Draft } from './draft';
import { Operation, type Scope, Unsupported } from './operation';
import { CONSTANT_OPERATORS, SUPPORTED, VALUE_OPERATORS } from './operators';
import { type OnnxPort, port } from './ports';
import { product, type Term, UNKNOWN } from './terms';

/** Operators before opset 7 broadcast in another way; later ones than these may mean something else. */
const OPSETS = { least: 7, most: 24 };
/** Names in one message. */
const MAX_NAMED = 100;

/** Nodes that cannot be imported, with the reason, in the order of the file. */
export type Problems = string[];

export interface Translation {
  readonly draft: Draft;
  readonly budget: Budget;
  /** The draft's value that is the output. */
  readonly output: string;
  /** What the file calls the values of the draft. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * The nodes of an ONNX graph as a draft.
 *
 * Errors: ERR_UNSUPPORTED (all nodes that cannot be imported, named), ERR_VERSION, ERR_SHAPE, ERR_LIMIT.
 */
export function translate({ graph, opsets }: OnnxModel, key?: RequantKey): Translation {
  const opset = checkedOpset(opsets.get(''));
  const input = port('input', graph.inputs);
  const elements = [...graph.initializers.values()].reduce((sum, { data }) => sum + data.length, 0);
  const budget = new Budget(elements);
  const scope: Scope = {
    terms: new Map<string, Term>([[input.name, inputTerm(input)]]),
    draft: new Draft(input.name, product(input.sizes), budget),
    budget,
    fixedBatch: input.batch,
    isStep: (node, op) => key?.nodes.get(node)?.op === op,
  };
  for (const [name, tensor] of graph.initializers) scope.terms.set(name, { kind: 'constant', tensor });
  const problems: Problems = [];
  for (const node of graph.nodes) translateNode(node, scope, opset, problems);
  checkProblems(problems);
  const output = port('output', graph.outputs, false);
  const term = scope.terms.get(output.name);
  if (term?.kind !== 'value' && term?.kind !== 'codes')
    throw expected('ERR_UNSUPPORTED', 'an output that depends on the input', output.name);
  return { ...scope, output: term.name, names: namesOf(scope.terms, output.name) };
}

/** The first name of each value; the output keeps its own. */
function namesOf(terms: ReadonlyMap<string, Term>, output: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [name, term] of terms) {
    if ((term.kind === 'value' || term.kind === 'codes') && (name === output || !names.has(term.name)))
      names.set(term.name, name);
  }
  return names;
}

function inputTerm({ name, sizes, codes }: OnnxPort): Term {
  return codes === undefined ? { kind: 'value', name, sizes } : { kind: 'codes', name, sizes, dtype: codes };
}

function checkedOpset(opset: number | undefined): number {
  if (opset === undefined)
    throw expected('ERR_FORMAT', 'the version of the operators in an ONNX model', opset);
  if (opset >= OPSETS.least && opset <= OPSETS.most) return opset;
  throw expected('ERR_VERSION', `ONNX operators of opset ${OPSETS.least} to ${OPSETS.most}`, opset);
}

function translateNode(node: OnnxNode, scope: Scope, opset: number, problems: Problems): void {
  const operation = new Operation(node, scope, opset);
  let outputs: readonly Term[] = [];
  try {
    outputs = run(operation);
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    problems.push(`${operation.source}${error.message}`);
  }
  node.outputs.forEach((name, i) => {
    if (name !== '') scope.terms.set(name, outputs[i] ?? UNKNOWN);
  });
}

/** No outputs where an input is unknown: what it comes from has been named. */
function run(operation: Operation): readonly Term[] {
  const { node } = operation;
  const inputs = node.inputs.map((_, i) => operation.input(i)).filter((term) => term !== undefined);
  const isConstant = inputs.every(({ kind }) => kind === 'constant' || kind === 'sizes');
  const known = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
  const translator = (isConstant ? CONSTANT_OPERATORS.get(known) : undefined) ?? VALUE_OPERATORS.get(known);
  if (translator === undefined) throw new Unsupported('');
  if (inputs.some(({ kind }) => kind === 'unknown')) return [];
  try {
    const outputs = translator(operation);
    operation.checkAttributes();
    return Array.isArray(outputs) ? (outputs as readonly Term[]) : [outputs as Term];
  } catch (error) {
    throw error instanceof Unsupported ? new Unsupported(` (${error.message})`) : error;
  }
}

/** Errors: ERR_UNSUPPORTED naming all of them. */
export function checkProblems(problems: Problems): void {
  if (problems.length === 0) return;
  const named = problems.slice(0, MAX_NAMED).join(', ');
  const more = problems.length > MAX_NAMED ? ` and ${problems.length - MAX_NAMED} more` : '';
  throw new RequantError(
    'ERR_UNSUPPORTED',
    `expected ONNX operators of an MLP but received ${named}${more}; supported: ${SUPPORTED.join(', ')}`,
  );
}
