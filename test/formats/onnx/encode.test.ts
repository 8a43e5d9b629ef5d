import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { DEFAULT_OPSET, encodeModel, graph, node, tensor, value } from '../../../lib/formats/onnx';
import { ModelProtoSchema } from '../../../lib/formats/onnx/onnx_pb';
import { version } from '../../../lib/version';
import { expectCode } from '../support';

const gemm = graph({
  name: 'g',
  inputs: [value('x', 'float32', ['rows', 3])],
  outputs: [value('y', 'float32', ['rows', 2])],
  initializers: [
    tensor('w', 'float32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)),
    tensor('b', 'float32', [2], Float32Array.of(-1, 1)),
  ],
  nodes: [node('Gemm', ['x', 'w', 'b'], ['y'], { transB: { int: 1 } })],
});

describe('encodeModel', () => {
  it('is read back as it was made', () => {
    const model = fromBinary(ModelProtoSchema, encodeModel(gemm));
    expect(model.graph).toEqual(gemm);
    expect([model.irVersion, model.producerName, model.producerVersion]).toEqual([8n, 'requant', version()]);
    expect(model.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([
      ['', BigInt(DEFAULT_OPSET)],
    ]);
  });

  it('writes the same bytes again after reading', () => {
    const bytes = encodeModel(gemm, { opset: 21 });
    expect(toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, bytes))).toEqual(bytes);
  });

  it('writes the wire format of ONNX', () => {
    const bytes = encodeModel(graph({ name: 'g', inputs: [], outputs: [], initializers: [], nodes: [] }));
    // ir_version = 8, as field 1 of type varint; graph: field 7, its name: field 2.
    expect([...bytes.subarray(0, 2)]).toEqual([0x08, 8]);
    expect(Buffer.from(bytes).includes(Buffer.from([0x3a, 3, 0x12, 1, 0x67]))).toBe(true);
  });

  it('keeps what this schema does not declare', () => {
    // ModelProto.functions (field 25) holding one empty message.
    const bytes = Uint8Array.of(...encodeModel(gemm), 0xca, 0x01, 0);
    const model = fromBinary(ModelProtoSchema, bytes);
    expect(model.$unknown?.map(({ no }) => no)).toEqual([25]);
    expect(toBinary(ModelProtoSchema, model)).toEqual(bytes);
  });

  it('wants a version for each domain', () => {
    const nodes = [node('Gelu', ['x'], ['y'], {}, 'com.microsoft')];
    const other = graph({
      name: 'g',
      inputs: [value('x', 'float32', [1])],
      outputs: [value('y', 'float32', [1])],
      initializers: [],
      nodes,
    });
    expectCode('ERR_ARGUMENT', () => encodeModel(other));
    expectCode('ERR_ARGUMENT', () => encodeModel(other, { domains: { 'com.microsoft': 0 } }));
    expectCode('ERR_ARGUMENT', () => encodeModel(gemm, { opset: 1.5 }));
    const { opsetImport } = fromBinary(
      ModelProtoSchema,
      encodeModel(other, { domains: { 'com.microsoft': 1 } }),
    );
    expect(opsetImport.map(({ domain }) => domain)).toEqual(['', 'com.microsoft']);
  });

  it('writes the format of the time of its opset', () => {
    const written = [7, 9, 10, 11, 12, 14, 15, 18, 19, 21, 23].map(
      (opset) => fromBinary(ModelProtoSchema, encodeModel(gemm, { opset })).irVersion,
    );
    expect(written).toEqual([4n, 4n, 5n, 6n, 7n, 7n, 8n, 8n, 9n, 10n, 11n]);
  });

  it('writes metadata', () => {
    const { metadataProps } = fromBinary(
      ModelProtoSchema,
      encodeModel(gemm, { metadata: { a: 'b', é: '' } }),
    );
    expect(metadataProps.map(({ key, value }) => [key, value])).toEqual([
      ['a', 'b'],
      ['é', ''],
    ]);
  });

  it('refuses more than a message can hold', () => {
    const large = { ...gemm, initializer: [0, 1].map(() => ({ ...gemm.initializer[0]!, rawData: huge() })) };
    expectCode('ERR_LIMIT', () => encodeModel(large));
  });
});

/** Says that it is 2^30 bytes long; nothing is allocated. */
function huge(): Uint8Array<ArrayBuffer> {
  return Object.defineProperty(new Uint8Array(0), 'byteLength', { value: 2 ** 30 });
}
