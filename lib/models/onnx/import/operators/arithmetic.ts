import { broadcast } from '../broadcast';
import { type Factor, isAll, over, times } from '../factor';
import type { Operation, Translator } from '../operation';
import { gated } from '../patterns/gates';
import { layerNorm } from '../patterns/layer-norm';
import { product, sameSizes, type ValueTerm } from '../terms';
import { sum } from './linear';

/** Of two factors, in the patterns that a product is held against. */
const COMPARISONS = 2;

type Step = 'erf' | 'sqrt' | 'reciprocal';

/** Two inputs, of which one may be constant. */
type Operands =
  | { readonly x: ValueTerm; readonly y: ValueTerm }
  | { readonly x: ValueTerm; readonly c: Factor; readonly isFirst: boolean };

function operands(op: Operation): Operands {
  const [first, second] = [op.input(0), op.input(1)];
  if (first?.kind === 'value' && second?.kind === 'value') return { x: first, y: second };
  const isFirst = first?.kind === 'constant';
  const x = op.value(isFirst ? 1 : 0);
  return { x, c: broadcast(op, op.numbers(isFirst ? 0 : 1), x.sizes), isFirst };
}

export const add: Translator = (op) => {
  const pair = operands(op);
  if ('c' in pair) return op.affine(pair.x, 1, pair.c);
  return added(op, pair.x, pair.y);
};

export const subtract: Translator = (op) => {
  const pair = operands(op);
  if ('c' in pair)
    return pair.isFirst ? op.affine(pair.x, -1, pair.c) : op.affine(pair.x, 1, times(pair.c, -1));
  const { x, y } = pair;
  const mean = op.draft.writer(y.name);
  if (mean?.op === 'mean' && mean.inputs[0] === x.name) return step(op, 'center', [x.name], x);
  return added(op, x, op.affine(y, -1, 0));
};

export const multiply: Translator = (op) => {
  const pair = operands(op);
  return 'c' in pair ? op.affine(pair.x, pair.c, 0) : multiplied(op, pair.x, pair.y);
};

export const divide: Translator = (op) => {
  const pair = operands(op);
  if ('y' in pair) return divided(op, pair.x, pair.y);
  const { x, c, isFirst } = pair;
  return isFirst ? op.affine(step(op, 'reciprocal', [x.name], x), c, 0) : op.affine(x, over(1, c), 0);
};

export const negate: Translator = (op) => op.affine(op.value(0), -1, 0);

/** Of any number of values. */
export const sumOf: Translator = (op) =>
  op.node.inputs.map((_, i) => op.value(i)).reduce((a, b) => added(op, a, b));

/** x^2 and x^3 are parts of other operators; x^1 and x^½ have names of their own. */
export const power: Translator = (op) => {
  const x = op.value(0);
  const exponent = broadcast(op, op.numbers(1), x.sizes);
  if (isAll(exponent, 1)) return x;
  if (isAll(exponent, 0.5)) return step(op, 'sqrt', [x.name], x);
  if (isAll(exponent, -1)) return step(op, 'reciprocal', [x.name], x);
  const whole = [2, 3].find((n) => isAll(exponent, n));
  if (whole === undefined)
    throw op.unsupported(`exponent ${typeof exponent === 'number' ? exponent : 'of features'}`);
  return step(op, 'power', [x.name], x, whole);
};

const single =
  (kind: Step): Translator =>
  (op) => {
    const x = op.value(0);
    return step(op, kind, [x.name], x);
  };

export const erf = single('erf');
export const sqrt = single('sqrt');
export const reciprocal = single('reciprocal');

/** Over all features of a row, which stay as sizes of 1. Axes are an attribute before opset 18, then an input. */
export const reduceMean: Translator = (op) => {
  const x = op.value(0);
  const rank = x.sizes.length + 1;
  const given = op.opset < 18 ? op.attribute('axes', 'ints') : op.optionalIntegers(1);
  if (op.int('keepdims', 1) !== 1) throw op.unsupported('keepdims = 0');
  op.ignore('noop_with_empty_axes');
  const axes = (given ?? []).map((axis) => (axis < 0 ? axis + rank : axis));
  const isWhole = x.sizes.every((size, i) => size === 1 || axes.includes(i + 1));
  if (axes.includes(0) || axes.length === 0 || !isWhole)
    throw op.unsupported(`axes [${given ?? ''}] of [batch, ${x.sizes}]`);
  return step(op, 'mean', [x.name], { ...x, sizes: x.sizes.map(() => 1) });
};

function added(op: Operation, x: ValueTerm, y: ValueTerm): ValueTerm {
  if (!sameSizes(x, y)) throw op.unsupported(`a sum of [batch, ${x.sizes}] and [batch, ${y.sizes}]`);
  return sum(op, x, y);
}

function multiplied(op: Operation, x: ValueTerm, y: ValueTerm): ValueTerm {
  if (x.name === y.name && sameSizes(x, y)) return step(op, 'power', [x.name], x, 2);
  const { draft, naming } = op;
  // Patterns compare factors feature by feature.
  for (const { scale } of [draft.resolve(x.name), draft.resolve(y.name)])
    if (typeof scale !== 'number') op.budget.take(COMPARISONS * scale.length);
  const larger = product(x.sizes) >= product(y.sizes) ? x : y;
  const gate =
    sameSizes(x, y) && (gated(draft, x.name, y.name, naming) ?? gated(draft, y.name, x.name, naming));
  if (gate) return { ...x, name: gate };
  for (const [d, r] of [
    [x, y],
    [y, x],
  ] as const) {
    const inverse = draft.writer(r.name);
    const norm =
      inverse?.op === 'reciprocal' ? layerNorm(draft, d.name, inverse.inputs[0]!, naming) : undefined;
    if (norm !== undefined) return { ...d, name: norm };
  }
  return step(op, 'multiply', [x.name, y.name], larger);
}

function divided(op: Operation, x: ValueTerm, y: ValueTerm): ValueTerm {
  const norm = layerNorm(op.draft, x.name, y.name, op.naming);
  return norm === undefined ? step(op, 'divide', [x.name, y.name], x) : { ...x, name: norm };
}

function step(
  op: Operation,
  kind: Step | 'center' | 'multiply' | 'divide' | 'power' | 'mean',
  inputs: readonly string[],
  like: ValueTerm,
  exponent?: number,
): ValueTerm {
  const { name, source, wish } = op.naming;
  const node = { op: kind, name, source, inputs, ...(exponent !== undefined && { exponent }) };
  return { ...like, name: op.draft.add(node, product(like.sizes), wish) };
}
