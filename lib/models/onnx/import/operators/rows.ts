import { broadcast } from '../broadcast';
import { over, plus, times } from '../factor';
import type { Operation, Translator } from '../operation';
import { product, type ValueTerm } from '../terms';

const rowFunction =
  (f: 'softmax' | 'logSoftmax'): Translator =>
  (op) => {
    const x = op.value(0);
    // Before opset 13 everything from the axis on is one row; then the axis alone.
    const axis = rowAxis(op, x, op.int('axis', op.opset < 13 ? 1 : -1));
    const normalized = op.opset < 13 ? product(x.sizes.slice(axis - 1)) : x.sizes[axis - 1];
    const features = product(x.sizes);
    if (normalized !== features) throw op.unsupported(`axis ${axis} of [batch, ${x.sizes}]`);
    const { name, source, wish } = op.naming;
    return { ...x, name: op.draft.add({ op: f, name, source, inputs: [x.name] }, features, wish) };
  };

export const softmax = rowFunction('softmax');
export const logSoftmax = rowFunction('logSoftmax');

/** An axis behind the batch, counted from 0 with the batch. */
export function rowAxis(op: Operation, x: Pick<ValueTerm, 'sizes'>, axis: number): number {
  const rank = x.sizes.length + 1;
  const positive = axis < 0 ? axis + rank : axis;
  if (!(positive >= 1 && positive < rank)) throw op.unsupported(`axis ${axis} of [batch, ${x.sizes}]`);
  return positive;
}

/** y = (x − mean) / sqrt(variance + epsilon)·scale + bias with constants: one factor and one shift for each channel. */
export const batchNormalization: Translator = (op) => {
  const x = op.value(0);
  const epsilon = op.float('epsilon', Math.fround(1e-5));
  op.ignore('momentum');
  if (op.int('training_mode', 0) !== 0) throw op.unsupported('training_mode');
  if (op.int('spatial', 1) !== 1) throw op.unsupported('spatial = 0');
  if ([1, 2, 3, 4].some((i) => op.hasOutput(i))) throw op.unsupported('outputs of training');
  if (x.sizes.length === 0) throw op.unsupported('a value without channels');
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => perChannel(op, x, i));
  const deviation = over(1, roots(plus(variance!, epsilon)));
  const factor = times(scale!, deviation);
  return op.affine(x, factor, plus(bias!, times(times(mean!, factor), -1)));
};

/** Channels are the first size behind the batch. */
function perChannel(op: Operation, x: ValueTerm, i: number) {
  const { values, shape } = op.numbers(i);
  return broadcast(op, { values, shape: [...shape, ...x.sizes.slice(1).map(() => 1)] }, x.sizes);
}

const roots = (factor: number | Float64Array) =>
  typeof factor === 'number' ? Math.sqrt(factor) : factor.map(Math.sqrt);

/** Over all features of a row. */
export const layerNormalization: Translator = (op) => {
  const x = op.value(0);
  const axis = rowAxis(op, x, op.int('axis', -1));
  if (op.int('stash_type', 1) !== 1) throw op.unsupported('stash_type');
  if (op.hasOutput(1) || op.hasOutput(2)) throw op.unsupported('outputs besides the first');
  const features = product(x.sizes);
  if (product(x.sizes.slice(axis - 1)) !== features)
    throw op.unsupported(`axis ${axis} of [batch, ${x.sizes}]`);
  const { name, source, wish } = op.naming;
  const epsilon = op.float('epsilon', Math.fround(1e-5));
  if (epsilon < 0) throw op.unsupported(`epsilon = ${epsilon}`);
  const output = op.draft.add(
    { op: 'layerNorm', name, source, inputs: [x.name], epsilon, weight: undefined, bias: undefined },
    features,
    wish,
  );
  const constant = (i: number) => broadcast(op, op.numbers(i), x.sizes);
  const shift = op.input(2) === undefined ? 0 : constant(2);
  return op.affine({ ...x, name: output }, constant(1), shift);
};
