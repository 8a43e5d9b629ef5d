import { expected } from '../errors';
import { findOutside } from '../quantization/float32';
import type { DType, Tensor, TensorData } from '../tensor';
import type { JsonReader } from './json-reader';

/** Tensors of a file by name, each to be used. Errors: ERR_FORMAT. */
export class TensorReader {
  private readonly used = new Set<string>();

  constructor(private readonly tensors: ReadonlyMap<string, Tensor>) {}

  read<D extends DType>(reader: JsonReader, dtype: D, shapes: readonly (readonly number[])[]): TensorData[D] {
    const found = this.find(reader, shapes);
    if (found.dtype !== dtype)
      throw expected('ERR_FORMAT', `tensor '${reader.string()}' to be ${dtype}`, found.dtype);
    return found.data as TensorData[D];
  }

  /** Positive float32 numbers in [min, max], which `range` spells. */
  readBetween(
    reader: JsonReader,
    shapes: readonly (readonly number[])[],
    { min, max, range }: { min: number; max: number; range: string },
  ): Float32Array {
    const values = this.read(reader, 'float32', shapes);
    const invalid = findOutside(values, min, max);
    if (invalid !== undefined)
      throw expected('ERR_FORMAT', `tensor '${reader.string()}' to hold ${range}`, invalid);
    return values;
  }

  readCodes(reader: JsonReader, shape: readonly number[]): Uint8Array | Int8Array {
    const found = this.find(reader, [shape]);
    if (found.dtype === 'uint8' || found.dtype === 'int8') return found.data;
    throw expected('ERR_FORMAT', `tensor '${reader.string()}' to be uint8 or int8`, found.dtype);
  }

  checkAllUsed(): void {
    const unused = [...this.tensors.keys()].find((name) => !this.used.has(name));
    if (unused !== undefined) throw expected('ERR_FORMAT', 'every tensor to be used by the model', unused);
  }

  private find(reader: JsonReader, shapes: readonly (readonly number[])[]): Tensor {
    const name = reader.string();
    const found = this.tensors.get(name);
    if (found === undefined) throw reader.fail('the name of a tensor of the file');
    this.used.add(name);
    if (!shapes.some((shape) => sameShape(shape, found.shape))) {
      throw expected(
        'ERR_FORMAT',
        `tensor '${name}' of shape ${shapes.map((s) => `[${s}]`).join(' or ')}`,
        `[${found.shape}]`,
      );
    }
    return found;
  }
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}
