import { create } from '@bufbuild/protobuf';
import { describe, expected } from '../../errors';
import { elementCount, isSize } from '../sizes';
import { type TensorProto, TensorProto_DataType, TensorProtoSchema } from './onnx_pb';

/** The element types that are written, and the arrays that hold them. */
export interface OnnxData {
  float32: Float32Array;
  float64: Float64Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int32: Int32Array;
  int64: BigInt64Array;
  /** Two a byte in the order of the elements, the first in the low nibble, without padding between rows. */
  int4: Uint8Array;
}
export type OnnxDType = keyof OnnxData;

const TYPES: {
  readonly [D in OnnxDType]: {
    readonly code: TensorProto_DataType;
    readonly array: new (length: number) => OnnxData[D];
    /** Elements of the array's that an ONNX element takes; default 1. */
    readonly share?: number;
  };
} = {
  float32: { code: TensorProto_DataType.FLOAT, array: Float32Array },
  float64: { code: TensorProto_DataType.DOUBLE, array: Float64Array },
  int8: { code: TensorProto_DataType.INT8, array: Int8Array },
  uint8: { code: TensorProto_DataType.UINT8, array: Uint8Array },
  int32: { code: TensorProto_DataType.INT32, array: Int32Array },
  int64: { code: TensorProto_DataType.INT64, array: BigInt64Array },
  int4: { code: TensorProto_DataType.INT4, array: Uint8Array, share: 0.5 },
};

/** The number that ONNX gives an element type. Errors: ERR_DTYPE. */
export function dataTypeOf(dtype: OnnxDType): TensorProto_DataType {
  if (!Object.hasOwn(TYPES, dtype))
    throw expected('ERR_DTYPE', `one of ${Object.keys(TYPES).join(', ')} as dtype`, dtype);
  return TYPES[dtype].code;
}

/**
 * A constant; dims [] is a scalar. `data` is not copied: it must stay as it is until the model is encoded.
 *
 * Errors: ERR_ARGUMENT (no name), ERR_DTYPE, ERR_SHAPE.
 */
export function tensor<D extends OnnxDType>(
  name: string,
  dtype: D,
  dims: readonly number[],
  data: OnnxData[D],
): TensorProto {
  if (name === '') throw expected('ERR_ARGUMENT', 'a name for a tensor', name);
  const dataType = dataTypeOf(dtype);
  const { array, share = 1 } = TYPES[dtype];
  if (!(data instanceof array))
    throw expected('ERR_DTYPE', `a ${array.name} as data of ${describe(name)}`, data);
  const count = dims.every(isSize) ? elementCount(dims) : undefined;
  if (count === undefined || Math.ceil(count * share) !== data.length)
    throw expected(
      'ERR_SHAPE',
      `dims of ${data.length / share} elements for ${describe(name)}`,
      dims.join('×'),
    );
  return create(TensorProtoSchema, {
    name,
    dataType,
    dims: dims.map(BigInt),
    // Little-endian, as every CPU that the addon is built for.
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  });
}
