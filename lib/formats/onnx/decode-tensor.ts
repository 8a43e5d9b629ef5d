import { describe, expected } from '../../errors';
import { widenBFloat16, widenFloat16 } from '../half-floats';
import { allocateBytes, elementCount } from '../sizes';
import type { OnnxArrayType, OnnxTensor } from './model';
import {
  TensorProto_DataLocation as Location,
  type TensorProto,
  TensorProto_DataType as Type,
} from './onnx_pb';

/** No tensor of any use has more. */
const MAX_RANK = 64;

/** The list of TensorProto that holds elements of a type where raw_data does not. */
type ListName = 'floatData' | 'doubleData' | 'int32Data' | 'int64Data' | 'uint64Data';
type List = readonly number[] | readonly bigint[];

interface ElementType {
  readonly bits: 4 | 8 | 16 | 32 | 64;
  readonly list: ListName;
  readonly dtype: OnnxArrayType;
  /** The array over these bytes, whose length fits and whose start is aligned. */
  readonly view: (bytes: Uint8Array) => OnnxTensor['data'];
  readonly fromList: (list: List) => OnnxTensor['data'];
}

interface ArrayClass<A> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): A;
  new (length: number): A;
}

function plain<A extends OnnxTensor['data']>(
  dtype: OnnxArrayType,
  list: ListName,
  array: ArrayClass<A>,
): ElementType {
  const size = array.BYTES_PER_ELEMENT;
  return {
    bits: (8 * size) as ElementType['bits'],
    list,
    dtype,
    view: ({ buffer, byteOffset, byteLength }) => new array(buffer, byteOffset, byteLength / size),
    fromList: (values) => {
      const data = new array(values.length);
      // What is too large for the type wraps around, as in a C cast: readers agree on nothing better.
      const big = data instanceof BigInt64Array || data instanceof BigUint64Array;
      for (let i = 0; i < values.length; i++) data[i] = big ? BigInt(values[i]!) : Number(values[i]);
      return data;
    },
  };
}

/** Halves in raw_data, or as the low 16 bits of int32_data. */
function half(widen: (bytes: Uint8Array) => Float32Array): ElementType {
  return {
    bits: 16,
    list: 'int32Data',
    dtype: 'float32',
    view: widen,
    fromList: (values) => widen(new Uint8Array(Uint16Array.from(values as readonly number[]).buffer)),
  };
}

const packed = (dtype: 'int4' | 'uint4'): ElementType => ({
  ...plain(dtype, 'int32Data', Uint8Array),
  bits: 4,
});

const TYPES: ReadonlyMap<number, ElementType> = new Map([
  [Type.FLOAT, plain('float32', 'floatData', Float32Array)],
  [Type.DOUBLE, plain('float64', 'doubleData', Float64Array)],
  [Type.FLOAT16, half(widenFloat16)],
  [Type.BFLOAT16, half(widenBFloat16)],
  [Type.INT8, plain('int8', 'int32Data', Int8Array)],
  [Type.UINT8, plain('uint8', 'int32Data', Uint8Array)],
  [Type.INT16, plain('int16', 'int32Data', Int16Array)],
  [Type.UINT16, plain('uint16', 'int32Data', Uint16Array)],
  [Type.INT32, plain('int32', 'int32Data', Int32Array)],
  [Type.UINT32, plain('uint32', 'uint64Data', Uint32Array)],
  [Type.INT64, plain('int64', 'int64Data', BigInt64Array)],
  [Type.UINT64, plain('uint64', 'uint64Data', BigUint64Array)],
  [Type.BOOL, plain('bool', 'int32Data', Uint8Array)],
  [Type.INT4, packed('int4')],
  [Type.UINT4, packed('uint4')],
]);

const NAMES: Readonly<Record<string, string>> = { FLOAT: 'float32', DOUBLE: 'float64' };

/** 'float32', 'float16', 'string' … for ONNX's number of an element type. */
export function elementTypeName(type: number): string {
  const name = Type[type];
  return name === undefined ? `type ${type}` : (NAMES[name] ?? name.toLowerCase());
}

/** Where the bytes of a tensor in another file are. */
export interface ExternalRange {
  readonly location: string;
  readonly offset: number;
  /** Undefined: as many as the shape asks for. */
  readonly length: number | undefined;
}

/** Undefined for a tensor inside of the model. Errors: ERR_FORMAT. */
export function externalRange({ name, dataLocation, externalData }: TensorProto): ExternalRange | undefined {
  if (dataLocation !== Location.EXTERNAL) return undefined;
  const entries = new Map(externalData.map(({ key, value }) => [key, value]));
  const size = (key: string) => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text))
      throw expected('ERR_FORMAT', `${key} of ${describe(name)} to be a number of bytes`, text);
    return Number(text);
  };
  const location = entries.get('location');
  if (location === undefined || location === '')
    throw expected('ERR_FORMAT', `the file that ${describe(name)} lies in`, location);
  return { location, offset: size('offset') ?? 0, length: size('length') };
}

/**
 * A constant. Elements stay where they are in `file` where alignment permits, else they are copied. `files`: the files of
 * external tensors by location.
 *
 * Errors: ERR_FORMAT (not as many bytes or elements as the shape says), ERR_UNSUPPORTED (element type), ERR_LIMIT (rank),
 * ERR_MEMORY.
 */
export function decodeTensor(
  proto: TensorProto,
  files: ReadonlyMap<string, Uint8Array> = new Map(),
): OnnxTensor {
  const { name } = proto;
  const type = TYPES.get(proto.dataType);
  if (type === undefined)
    throw expected('ERR_UNSUPPORTED', `tensor ${describe(name)} of numbers`, elementTypeName(proto.dataType));
  if (proto.segment !== undefined)
    throw expected('ERR_UNSUPPORTED', `tensor ${describe(name)} in one piece`, 'segments');
  const shape = decodeShape(proto);
  const count = elementCount(shape);
  if (count === undefined)
    throw expected('ERR_FORMAT', `a size for tensor ${describe(name)}`, shape.join('×'));
  const data = decodeData(proto, type, count, files);
  return { name, dtype: type.dtype, shape, data } as OnnxTensor;
}

function decodeShape({ name, dims }: TensorProto): number[] {
  if (dims.length > MAX_RANK)
    throw expected('ERR_LIMIT', `a rank of at most ${MAX_RANK} for tensor ${describe(name)}`, dims.length);
  return dims.map((size) => {
    if (size < 0n || size > BigInt(Number.MAX_SAFE_INTEGER))
      throw expected('ERR_FORMAT', `sizes in the shape of tensor ${describe(name)}`, size);
    return Number(size);
  });
}

function decodeData(
  proto: TensorProto,
  type: ElementType,
  count: number,
  files: ReadonlyMap<string, Uint8Array>,
): OnnxTensor['data'] {
  const byteLength = type.bits === 4 ? Math.ceil(count / 2) : count * (type.bits / 8);
  const external = externalBytes(proto, byteLength, files);
  const list: List = proto[type.list];
  // An empty list beside an empty raw_data is a tensor without elements.
  if (external === undefined && proto.rawData.length === 0 && list.length > 0) {
    const elements = type.bits === 4 ? byteLength : count;
    if (list.length !== elements) throw wrongLength(proto, `${elements} elements`, list.length);
    return type.fromList(list);
  }
  const bytes = external ?? proto.rawData;
  if (bytes.length !== byteLength) throw wrongLength(proto, `${byteLength} bytes`, bytes.length);
  return type.view(aligned(bytes, type.bits / 8));
}

function externalBytes(
  proto: TensorProto,
  byteLength: number,
  files: ReadonlyMap<string, Uint8Array>,
): Uint8Array | undefined {
  const range = externalRange(proto);
  if (range === undefined) return undefined;
  const { location, offset, length = byteLength } = range;
  const file = files.get(location)!;
  if (offset + length > file.length)
    throw expected(
      'ERR_FORMAT',
      `${offset + length} bytes in '${location}' for tensor ${describe(proto.name)}`,
      file.length,
    );
  return new Uint8Array(file.buffer, file.byteOffset + offset, length);
}

function wrongLength({ name, dims }: TensorProto, what: string, received: number) {
  return expected(
    'ERR_FORMAT',
    `${what} in tensor ${describe(name)} of shape [${dims.join(', ')}]`,
    received,
  );
}

function aligned(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.byteOffset % Math.max(size, 1) === 0) return bytes;
  const copy = allocateBytes(bytes.length);
  copy.set(bytes);
  return copy;
}
