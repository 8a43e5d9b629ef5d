import type { OnnxTensor } from '../../../../formats/onnx';
import { isFloat, numbersOf } from '../constants';
import type { Operation, Translator } from '../operation';
import { allowedCount, stridesOf, walk } from '../positions';
import type { Term } from '../terms';

/** Arithmetic of constants, in the type that they have. */

function result(op: Operation, like: OnnxTensor, values: number[], shape: readonly number[]): Term {
  if (like.dtype === 'float32' || like.dtype === 'float64') {
    const data = like.dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
    return { kind: 'constant', tensor: { name: '', dtype: like.dtype, shape, data } as OnnxTensor };
  }
  if (like.dtype !== 'int64' && like.dtype !== 'int32') throw op.unsupported(`arithmetic of ${like.dtype}`);
  if (!values.every(Number.isSafeInteger)) throw op.unsupported('integers beyond 2^53');
  const data =
    like.dtype === 'int32' ? Int32Array.from(values) : BigInt64Array.from(values, (value) => BigInt(value));
  return { kind: 'constant', tensor: { name: '', dtype: like.dtype, shape, data } as OnnxTensor };
}

const unary =
  (f: (x: number) => number): Translator =>
  (op) => {
    const tensor = op.constant(0);
    allowedCount(tensor.shape, op.budget);
    return result(op, tensor, Array.from(numbersOf(tensor), f), tensor.shape);
  };

/** As numpy broadcasts. Integers divide towards 0. */
const binary =
  (f: (x: number, y: number) => number): Translator =>
  (op) => {
    const [a, b] = [op.constant(0), op.constant(1)];
    if (a.dtype !== b.dtype) throw op.unsupported(`${a.dtype} and ${b.dtype}`);
    const rank = Math.max(a.shape.length, b.shape.length);
    const [left, right] = [a, b].map(({ shape }) => [
      ...Array<number>(rank - shape.length).fill(1),
      ...shape,
    ]);
    const shape = left!.map((size, i) => (size === 1 ? right![i]! : size));
    if (right!.some((size, i) => size !== 1 && size !== shape[i]))
      throw op.unsupported(`shapes [${a.shape}] and [${b.shape}]`);
    const positions = [left!, right!].map((own) => {
      const strides = stridesOf(own).map((stride, i) => (own[i] === 1 ? 0 : stride));
      return walk(shape, strides, 0, op.budget);
    });
    const [x, y] = [numbersOf(a), numbersOf(b)];
    const values = Array.from(positions[0]!, (from, i) => f(x[from]!, y[positions[1]![i]!]!));
    return result(op, a, isFloat(a) ? values : values.map(Math.trunc), shape);
  };

export const add = binary((x, y) => x + y);
export const subtract = binary((x, y) => x - y);
export const multiply = binary((x, y) => x * y);
export const divide = binary((x, y) => x / y);
export const negate = unary((x) => -x);
export const sqrt = unary(Math.sqrt);
export const reciprocal = unary((x) => 1 / x);
