import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { decodeTensor, elementTypeName } from '../../../lib/formats/onnx/decode-tensor';
import { TensorProtoSchema, TensorProto_DataType as Type } from '../../../lib/formats/onnx/onnx_pb';
import { expectError } from '../../support/errors';

/** As it comes from a file. */
function read(init: MessageInitShape<typeof TensorProtoSchema>) {
  const proto = create(TensorProtoSchema, { name: 't', dims: [2n], ...init });
  return decodeTensor(fromBinary(TensorProtoSchema, toBinary(TensorProtoSchema, proto)));
}

const raw = (array: { readonly buffer: ArrayBufferLike }) => new Uint8Array(array.buffer as ArrayBuffer);

describe('decodeTensor', () => {
  it.each([
    ['float32', Type.FLOAT, Float32Array.of(1.5, -0), { floatData: [1.5, -0] }],
    ['float64', Type.DOUBLE, Float64Array.of(Math.PI, 1), { doubleData: [Math.PI, 1] }],
    ['int8', Type.INT8, Int8Array.of(-128, 127), { int32Data: [-128, 127] }],
    ['uint8', Type.UINT8, Uint8Array.of(0, 255), { int32Data: [0, 255] }],
    ['int16', Type.INT16, Int16Array.of(-32768, 1), { int32Data: [-32768, 1] }],
    ['uint16', Type.UINT16, Uint16Array.of(65535, 1), { int32Data: [65535, 1] }],
    ['int32', Type.INT32, Int32Array.of(-(2 ** 31), 1), { int32Data: [-(2 ** 31), 1] }],
    ['uint32', Type.UINT32, Uint32Array.of(2 ** 32 - 1, 1), { uint64Data: [2n ** 32n - 1n, 1n] }],
    ['int64', Type.INT64, BigInt64Array.of(-(2n ** 63n), 1n), { int64Data: [-(2n ** 63n), 1n] }],
    ['uint64', Type.UINT64, BigUint64Array.of(2n ** 64n - 1n, 1n), { uint64Data: [2n ** 64n - 1n, 1n] }],
    ['bool', Type.BOOL, Uint8Array.of(1, 0), { int32Data: [1, 0] }],
  ] as const)('%s from raw bytes and from its list', (dtype, dataType, data, list) => {
    const expected = { name: 't', dtype, shape: [2], data };
    expect(read({ dataType, rawData: raw(data) })).toEqual(expected);
    expect(read({ dataType, ...(list as object) })).toEqual(expected);
  });

  it.each([
    [Type.FLOAT16, [0x3c00, 0xc000]],
    [Type.BFLOAT16, [0x3f80, 0xc000]],
  ])('type %i is widened to float32', (dataType, bits) => {
    const expected = { name: 't', dtype: 'float32', shape: [2], data: Float32Array.of(1, -2) };
    expect(read({ dataType, rawData: raw(Uint16Array.from(bits)) })).toEqual(expected);
    expect(read({ dataType, int32Data: bits })).toEqual(expected);
  });

  it.each([
    ['int4', Type.INT4],
    ['uint4', Type.UINT4],
  ])('%s stays packed, two in a byte', (dtype, dataType) => {
    const expected = { name: 't', dtype, shape: [3], data: Uint8Array.of(0x21, 0x0f) };
    expect(read({ dataType, dims: [3n], rawData: Uint8Array.of(0x21, 0x0f) })).toEqual(expected);
    expect(read({ dataType, dims: [3n], int32Data: [0x21, 0x0f] })).toEqual(expected);
  });

  it('takes scalars and tensors without elements', () => {
    expect(read({ dataType: Type.FLOAT, dims: [], floatData: [2] }).shape).toEqual([]);
    expect(read({ dataType: Type.FLOAT, dims: [0n, 5n] }).data.length).toBe(0);
  });

  it.each([
    ['too few bytes', { rawData: new Uint8Array(7) }],
    ['too many bytes', { rawData: new Uint8Array(12) }],
    ['no bytes', {}],
    ['too few elements', { floatData: [1] }],
    ['elements of another type', { int64Data: [1n, 2n] }],
    ['a size below 0', { dims: [-1n, -2n] }],
    ['a size beyond numbers', { dims: [2n ** 62n], rawData: new Uint8Array(8) }],
    ['more elements than there are numbers', { dims: [2n ** 40n, 2n ** 40n] }],
  ])('%s: ERR_FORMAT, and nothing is allocated', (_, init) => {
    expectError(() => read({ dataType: Type.FLOAT, ...init }), 'ERR_FORMAT');
  });

  it.each([Type.STRING, Type.COMPLEX64, Type.FLOAT8E4M3FN, 0, 99])('type %i: ERR_UNSUPPORTED', (dataType) => {
    expectError(() => read({ dataType }), 'ERR_UNSUPPORTED', /tensor 't' of numbers/);
  });

  it('a tensor in pieces is ERR_UNSUPPORTED, one of many dimensions ERR_LIMIT', () => {
    expectError(() => read({ dataType: Type.FLOAT, segment: {} }), 'ERR_UNSUPPORTED', /segments/);
    expectError(() => read({ dataType: Type.FLOAT, dims: Array(65).fill(1n) }), 'ERR_LIMIT');
  });
});

describe('elementTypeName', () => {
  it('is in words', () => {
    expect([1, 11, 10, 3, 99].map(elementTypeName)).toEqual([
      'float32',
      'float64',
      'float16',
      'int8',
      'type 99',
    ]);
  });
});
