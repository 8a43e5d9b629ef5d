import { type Attributes, type ElementwiseOp, elementwiseAttributes } from '../../../../layers/elementwise';
import type { Operation, Translator } from '../operation';
import type { ValueTerm } from '../terms';

/** f(x) of a value; parameters that no layer can have are unsupported. */
function activation(op: Operation, f: ElementwiseOp, given: Attributes = {}): ValueTerm {
  const x = op.value(0);
  let attributes: Attributes;
  try {
    attributes = elementwiseAttributes(f, given);
  } catch (error) {
    throw op.unsupported((error as Error).message);
  }
  const { name, source, wish } = op.naming;
  const y = op.draft.add(
    { op: f, name, source, inputs: [x.name], attributes },
    op.draft.features.get(x.name)!,
    wish,
  );
  return { ...x, name: y };
}

const simple =
  (f: ElementwiseOp): Translator =>
  (op) =>
    activation(op, f);

export const relu = simple('relu');
export const sigmoid = simple('sigmoid');
export const tanh = simple('tanh');
export const hardSwish = simple('hardSwish');

export const leakyRelu: Translator = (op) =>
  activation(op, 'leakyRelu', { slope: op.float('alpha', Math.fround(0.01)) });

export const elu: Translator = (op) => activation(op, 'elu', { alpha: op.float('alpha', 1) });

export const hardSigmoid: Translator = (op) =>
  activation(op, 'hardSigmoid', {
    alpha: op.float('alpha', Math.fround(0.2)),
    beta: op.float('beta', 0.5),
  });

export const gelu: Translator = (op) => {
  const approximate = op.attribute('approximate', 'string') ?? 'none';
  return activation(op, 'gelu', { approximate });
};

/** x·sigmoid(alpha·x) = silu(alpha·x) / alpha */
export const swish: Translator = (op) => {
  const alpha = op.float('alpha', 1);
  if (alpha === 0) return op.affine(op.value(0), 0.5, 0);
  const { name, source, wish } = op.naming;
  const x = op.affine(op.value(0), alpha, 0);
  const y = op.draft.add(
    { op: 'silu', name, source, inputs: [x.name], attributes: {} },
    op.draft.features.get(x.name)!,
    wish,
  );
  return op.affine({ ...x, name: y }, 1 / alpha, 0);
};

/** Bounds are attributes before opset 11, then inputs. */
export const clip: Translator = (op) => {
  const [min, max] =
    op.opset < 11
      ? [op.attribute('min', 'float'), op.attribute('max', 'float')]
      : [op.optionalNumber(1), op.optionalNumber(2)];
  const [low, high] = [min ?? Number.NEGATIVE_INFINITY, max ?? Number.POSITIVE_INFINITY];
  if (low === Number.NEGATIVE_INFINITY && high === Number.POSITIVE_INFINITY) return op.value(0);
  if (low === 0 && high === Number.POSITIVE_INFINITY) return activation(op, 'relu');
  if (low === 0 && high === 6) return activation(op, 'relu6');
  return activation(op, 'clip', { min: low, max: high });
};
