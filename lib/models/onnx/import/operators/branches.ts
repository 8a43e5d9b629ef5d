import type { Translator } from '../operation';
import { product } from '../terms';
import { rowAxis } from './rows';

/** Features side by side: sizes before the axis are 1, so that rows follow each other in memory. */
export const concat: Translator = (op) => {
  const values = op.node.inputs.map((_, i) => op.value(i));
  const [first] = values;
  if (first === undefined) throw op.unsupported('no input');
  const axis = rowAxis(op, first, op.int('axis', op.opset < 4 ? 1 : 0)) - 1;
  const fits = values.every(
    ({ sizes }) =>
      sizes.length === first.sizes.length &&
      sizes.every((size, i) => i === axis || size === first.sizes[i]) &&
      product(sizes.slice(0, axis)) === 1,
  );
  if (!fits)
    throw op.unsupported(`axis ${axis + 1} of ${values.map(({ sizes }) => `[batch, ${sizes}]`).join(', ')}`);
  if (values.length === 1) return first;
  const size = values.reduce((sum, { sizes }) => sum + sizes[axis]!, 0);
  const sizes = first.sizes.map((own, i) => (i === axis ? size : own));
  const { name, source, wish } = op.naming;
  const inputs = values.map((value) => value.name);
  return {
    kind: 'value',
    name: op.draft.add({ op: 'concat', name, source, inputs }, product(sizes), wish),
    sizes,
  };
};
