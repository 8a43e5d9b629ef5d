import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { GraphProtoSchema, TensorProtoSchema } from '../../../lib/formats/onnx/onnx_pb';
import { scan } from '../../../lib/formats/onnx/scan';
import { expectError } from '../../support/errors';

describe('scan', () => {
  it('passes large tensors, and fields that are not declared', () => {
    const tensor = create(TensorProtoSchema, {
      name: 'w',
      dims: [2n ** 20n],
      rawData: new Uint8Array(2 ** 22),
      floatData: [1, 2, 3],
      doubleData: [1],
      int32Data: [-1, 300],
    });
    scan(TensorProtoSchema, toBinary(TensorProtoSchema, tensor));
    scan(TensorProtoSchema, Uint8Array.of(0xf8, 0x07, 0x01)); // field 127
  });

  it('refuses more messages than an MLP has', () => {
    const node = Array.from({ length: 2 ** 18 + 1 }, () => ({}));
    expectError(
      () => scan(GraphProtoSchema, toBinary(GraphProtoSchema, create(GraphProtoSchema, { node }))),
      'ERR_LIMIT',
      /messages/,
    );
  });

  it('counts strings of bytes, and fields whose wire type is wrong, as the decoder does', () => {
    const many = (tag: number) => new Uint8Array(2 ** 20).map((_, i) => (i % 2 === 0 ? tag : 0));
    for (const wireType of [0, 1, 2, 5])
      expectError(() => scan(TensorProtoSchema, many((6 << 3) | wireType)), 'ERR_LIMIT', /messages/);
  });

  it('refuses lists of 64-bit integers, packed or not', () => {
    const packed = Uint8Array.of(0x3a, 0x80, 0x80, 0x80, 0x03);
    const bytes = new Uint8Array(packed.length + 3 * 2 ** 21);
    bytes.set(packed);
    expectError(() => scan(TensorProtoSchema, bytes), 'ERR_LIMIT', /64-bit/);
    const single = new Uint8Array(2 ** 24).map((_, i) => (i % 2 === 0 ? 0x38 : 1));
    expectError(() => scan(TensorProtoSchema, single), 'ERR_LIMIT', /64-bit/);
  });

  it('what is no message is an error', () => {
    expect(() => scan(TensorProtoSchema, Uint8Array.of(0x4a, 0x05, 1))).toThrow();
    expect(() => scan(TensorProtoSchema, Uint8Array.of(0xff))).toThrow();
  });
});
