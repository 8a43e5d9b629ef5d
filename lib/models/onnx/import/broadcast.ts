import { expected } from '../../../errors';
import type { Factor } from './factor';
import type { Operation } from './operation';
import { product } from './terms';

/**
 * A constant beside a value of shape [batch, ...sizes], as numpy broadcasts it: one number, or one for each feature.
 * What would change from row to row, or make the value larger, is unsupported. Errors: ERR_SHAPE.
 */
export function broadcast(
  op: Operation,
  { values, shape }: ReturnType<Operation['numbers']>,
  sizes: readonly number[],
): Factor {
  const rank = sizes.length + 1;
  const misfit = () =>
    expected('ERR_SHAPE', `a constant in ${op.source} that fits [batch, ${sizes}]`, `[${shape}]`);
  const aligned = [...Array<number>(Math.max(rank - shape.length, 0)).fill(1), ...shape];
  const extra = aligned.length - rank;
  if (aligned.slice(0, extra).some((size) => size !== 1)) throw misfit();
  const [rows, ...own] = aligned.slice(extra);
  if (rows !== 1) throw op.unsupported('a constant for each row');
  if (own.some((size, i) => size !== 1 && sizes[i] === 1))
    throw op.unsupported(`a constant of [${shape}] that makes [batch, ${sizes}] larger`);
  if (own.some((size, i) => size !== 1 && size !== sizes[i])) throw misfit();
  if (values.length === 1) return values[0]!;
  return spread(op, values, own, sizes);
}

function spread(
  op: Operation,
  values: ArrayLike<number>,
  own: readonly number[],
  sizes: readonly number[],
): Float64Array {
  op.budget.take(product(sizes));
  const result = new Float64Array(product(sizes));
  // A dimension of size 1 stays where it is.
  let stride = 1;
  const strides = sizes.map(() => 0);
  for (let d = sizes.length - 1; d >= 0; d--) {
    strides[d] = own[d] === 1 ? 0 : stride;
    stride *= own[d]!;
  }
  for (let i = 0; i < result.length; i++) {
    let [rest, position] = [i, 0];
    for (let d = sizes.length - 1; d >= 0; d--) {
      position += (rest % sizes[d]!) * strides[d]!;
      rest = Math.floor(rest / sizes[d]!);
    }
    result[i] = values[position]!;
  }
  return result;
}
