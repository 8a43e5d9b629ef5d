import type { OnnxTensor } from '../../../formats/onnx';
import { allocateBytes, allocateFloats, elementCount } from '../../../formats/sizes';
import type { Budget } from './budget';
import { product } from './terms';

/** The elements as numbers; int64 beyond ±2^53 as the nearest one. int4 stays packed and is refused. */
export function numbersOf({ dtype, data }: OnnxTensor): Float32Array | Float64Array | number[] {
  if (dtype === 'float32' || dtype === 'float64') return data;
  return Array.from<number | bigint, number>(data, Number);
}

/** As float32. The tensor's own array where it is one. */
export function floatsOf(tensor: OnnxTensor): Float32Array {
  return tensor.dtype === 'float32' ? tensor.data : Float32Array.from(numbersOf(tensor));
}

export const isFloat = ({ dtype }: OnnxTensor) => dtype === 'float32' || dtype === 'float64';

export function int64s(values: readonly number[], shape: readonly number[] = [values.length]): OnnxTensor {
  return { name: '', dtype: 'int64', shape, data: BigInt64Array.from(values, bigint) };
}

/** Saturates: the ends of a Slice are the largest int64. */
function bigint(value: number): bigint {
  return BigInt.asIntN(64, value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(Math.max(value, -(2 ** 63))));
}

export function float32s(values: Float32Array, shape: readonly number[]): OnnxTensor {
  return { name: '', dtype: 'float32', shape, data: values };
}

/** [rows, columns] → [columns, rows]. */
export function transposed(
  matrix: Float32Array,
  [rows, columns]: readonly [number, number],
  budget: Budget,
): Float32Array {
  budget.take(matrix.length);
  const result = allocateFloats(matrix.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = matrix[i * columns + j]!;
  }
  return result;
}

/** The elements at these positions, as a tensor of another shape. */
export function taken(tensor: OnnxTensor, positions: Int32Array, shape: readonly number[]): OnnxTensor {
  const { data, dtype, name } = tensor;
  const Ctor = data.constructor as new (buffer: ArrayBuffer) => OnnxTensor['data'];
  const result = new Ctor(allocateBytes(positions.length * data.BYTES_PER_ELEMENT).buffer);
  for (let i = 0; i < positions.length; i++) result[i] = data[positions[i]!]!;
  return { name, dtype, shape, data: result } as OnnxTensor;
}

/** Product of sizes, or undefined where it is no size an array can have. */
export function countOf(shape: readonly number[]): number | undefined {
  const count = elementCount(shape);
  return count !== undefined && count < 2 ** 31 ? count : undefined;
}

export const sameShape = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((size, i) => size === b[i]);

export { product };
