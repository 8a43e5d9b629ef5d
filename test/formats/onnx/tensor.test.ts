import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { type OnnxDType, tensor } from '../../../lib/formats/onnx';
import { TensorProto_DataType as DataType, TensorProtoSchema } from '../../../lib/formats/onnx/onnx_pb';
import { expectCode } from '../support';

/** What another reader of the same bytes sees. */
const decoded = (...args: Parameters<typeof tensor>) =>
  fromBinary(TensorProtoSchema, toBinary(TensorProtoSchema, tensor(...args)));

describe('tensor', () => {
  it.each([
    ['float32', 1, Float32Array.of(1.5, -0, Number.NaN, 3e38)],
    ['float64', 11, Float64Array.of(Math.PI, -1e300, 0, 1)],
    ['uint8', 2, Uint8Array.of(0, 1, 128, 255)],
    ['int8', 3, Int8Array.of(-128, -1, 0, 127)],
    ['int32', 6, Int32Array.of(-(2 ** 31), -1, 0, 2 ** 31 - 1)],
    ['int64', 7, BigInt64Array.of(-(2n ** 63n), -1n, 0n, 2n ** 63n - 1n)],
  ] as const)('%s has data type %i and its bytes', (dtype, code, data) => {
    const { name, dataType, dims, rawData } = decoded('w', dtype, [2, 2], data);
    expect({ name, dataType, dims }).toEqual({ name: 'w', dataType: code, dims: [2n, 2n] });
    expect(rawData).toEqual(new Uint8Array(data.buffer));
  });

  it('takes a scalar and a tensor without elements', () => {
    expect(decoded('s', 'float32', [], Float32Array.of(2)).dims).toEqual([]);
    const empty = decoded('e', 'int8', [0, 5], new Int8Array(0));
    expect([empty.dims, empty.rawData.length, empty.dataType]).toEqual([[0n, 5n], 0, DataType.INT8]);
  });

  it('int4 is two elements a byte, also where rows are odd', () => {
    const { dataType, dims, rawData } = decoded(
      'w',
      'int4',
      [3, 3],
      Uint8Array.of(0x21, 0x43, 0x65, 0x87, 0x09),
    );
    expect([dataType, dims, rawData.length]).toEqual([DataType.INT4, [3n, 3n], 5]);
    expectCode('ERR_SHAPE', () => tensor('w', 'int4', [3, 3], new Uint8Array(6)));
  });

  it('writes the view, not the buffer behind it', () => {
    const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    expect(new Float32Array(decoded('v', 'float32', [2], data).rawData.slice().buffer)).toEqual(
      Float32Array.of(1, 2),
    );
  });

  it('refuses what does not fit', () => {
    const one = Float32Array.of(1);
    expectCode('ERR_ARGUMENT', () => tensor('', 'float32', [1], one));
    expectCode('ERR_SHAPE', () => tensor('w', 'float32', [2], one));
    expectCode('ERR_SHAPE', () => tensor('w', 'float32', [-1, -1], one));
    expectCode('ERR_SHAPE', () => tensor('w', 'float32', [0.5, 2], one));
    expectCode('ERR_SHAPE', () => tensor('w', 'float32', [2 ** 40, 2 ** 40], one));
    expectCode('ERR_DTYPE', () => tensor('w', 'int8', [1], one as never));
    expectCode('ERR_DTYPE', () => tensor('w', 'complex64' as OnnxDType, [1], one));
    expectCode('ERR_DTYPE', () => tensor('w', 'toString' as OnnxDType, [1], one));
  });
});
