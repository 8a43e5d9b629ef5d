import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  decodeModel,
  type ExternalData,
  encodeModel,
  graph,
  node,
  tensor,
  value,
} from '../../../lib/formats/onnx';
import {
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
} from '../../../lib/formats/onnx/onnx_pb';
import { expectRejection } from '../../support/errors';

const parts = {
  name: 'g',
  inputs: [value('x', 'float32', ['batch', 2])],
  outputs: [value('y', 'float32', ['batch', 1])],
  initializers: [tensor('w', 'float32', [1, 2], Float32Array.of(2, -1))],
  nodes: [
    node('Gemm', ['x', 'w', ''], ['h'], { transB: { int: 1 }, alpha: { float: 0.5 } }),
    node('Gelu', ['h'], ['y', ''], { approximate: { string: 'tanh' } }, 'com.microsoft'),
  ],
};
const DOMAINS = { opset: 13, domains: { 'com.microsoft': 1 } };

/** A file whose graph is like this one, but for some fields. */
function file(changes: Partial<GraphProto> = {}): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    graph: { ...graph(parts), ...changes },
    opsetImport: [{ domain: '', version: 13n }],
  });
  return toBinary(ModelProtoSchema, model);
}

describe('decodeModel', () => {
  it('reads what was written', async () => {
    const model = await decodeModel(encodeModel(graph(parts), DOMAINS));
    expect(model.producer).toMatch(/^requant \d/);
    expect(model.opsets).toEqual(
      new Map([
        ['', 13],
        ['com.microsoft', 1],
      ]),
    );
    expect(model.graph.inputs).toEqual([
      { name: 'x', type: { elementType: 'float32', shape: ['batch', 2] } },
    ]);
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(['y']);
    expect(model.graph.initializers.get('w')).toEqual({
      name: 'w',
      dtype: 'float32',
      shape: [1, 2],
      data: Float32Array.of(2, -1),
    });
    const [gemm, gelu] = model.graph.nodes;
    expect(gemm).toMatchObject({
      name: 'h',
      opType: 'Gemm',
      domain: '',
      inputs: ['x', 'w', ''],
      outputs: ['h'],
    });
    expect([...gemm!.attributes]).toEqual([
      ['transB', { type: 'int', value: 1 }],
      ['alpha', { type: 'float', value: 0.5 }],
    ]);
    expect(gelu!.domain).toBe('com.microsoft');
    expect(gelu!.attributes.get('approximate')).toEqual({ type: 'string', value: 'tanh' });
  });

  it('reads every type of attribute', async () => {
    const inner = create(GraphProtoSchema, { name: 'inner' });
    const attribute = [
      { name: 'floats', type: AttributeType.FLOATS, floats: [1, 0.5] },
      { name: 'ints', type: AttributeType.INTS, ints: [1n, 2n ** 63n - 1n] },
      { name: 'strings', type: AttributeType.STRINGS, strings: [new Uint8Array([0xc3, 0xa9])] },
      { name: 'tensor', type: AttributeType.TENSOR, t: tensor('t', 'int8', [1], Int8Array.of(-1)) },
      { name: 'graph', type: AttributeType.GRAPH, g: inner },
      { name: 'none' },
    ];
    const any = create(NodeProtoSchema, { opType: 'Any', input: ['x'], output: ['y'], attribute });
    const { graph: read } = await decodeModel(file({ node: [any] }));
    expect(Object.fromEntries(read.nodes[0]!.attributes)).toEqual({
      floats: { type: 'floats', value: [1, 0.5] },
      ints: { type: 'ints', value: [1, 2 ** 63] },
      strings: { type: 'strings', value: ['é'] },
      tensor: { type: 'tensor', value: { name: 't', dtype: 'int8', shape: [1], data: Int8Array.of(-1) } },
      graph: { type: 'other', value: 'graph' },
      none: { type: 'other', value: 'undefined' },
    });
  });

  it('keeps metadata without a prototype, and joins the two names of ONNX’s own domain', async () => {
    const model = create(ModelProtoSchema, {
      graph: graph(parts),
      opsetImport: [{ domain: 'ai.onnx', version: 9n }],
      metadataProps: [{ key: '__proto__', value: 'x' }],
    });
    const read = await decodeModel(toBinary(ModelProtoSchema, model));
    expect(read.opsets).toEqual(new Map([['', 9]]));
    expect(Object.entries(read.metadata)).toEqual([['__proto__', 'x']]);
  });

  it('leaves out inputs that are initializers, as older files have them', async () => {
    const inputs = [...parts.inputs, value('w', 'float32', [1, 2])];
    const { graph: read } = await decodeModel(file({ input: inputs }));
    expect(read.inputs.map(({ name }) => name)).toEqual(['x']);
  });

  it('does not decode megabytes for each byte', async () => {
    // 2 bytes for a node, which would take some hundred.
    const nodes = new Uint8Array(2 * 2 ** 19);
    for (let i = 0; i < nodes.length; i += 2) nodes[i] = 0x0a;
    const length = varint(nodes.length);
    await expectRejection(
      decodeModel(Buffer.concat([Uint8Array.of(0x3a, ...length), nodes])),
      'ERR_LIMIT',
      /messages/,
    );
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['a field that ends early', Uint8Array.of(0x08, 0x08, 0x3a, 0x7f, 0x0a)],
    ['no protobuf', Uint8Array.of(0x08, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)],
    ['no graph', Uint8Array.of(0x08, 0x08)],
    ['half a file', file().slice(0, 60)],
  ])('%s: ERR_FORMAT', async (_, bytes) => {
    await expectRejection(decodeModel(bytes), 'ERR_FORMAT', /ONNX/);
  });

  it('graphs inside of each other without end: ERR_FORMAT', async () => {
    // GraphProto { node { attribute { g { … } } } }
    let bytes: number[] = [];
    for (let i = 0; i < 200; i++) {
      for (const tag of [0x32, 0x2a, 0x0a]) bytes = [tag, ...varint(bytes.length), ...bytes];
    }
    await expectRejection(
      decodeModel(Uint8Array.of(0x3a, ...varint(bytes.length), ...bytes)),
      'ERR_FORMAT',
      /depth/,
    );
  });

  it.each([
    ['a value written twice', { node: [node('Relu', ['x'], ['y']), node('Relu', ['x'], ['y'])] }],
    ['the input written again', { node: [node('Relu', ['w'], ['x'])] }],
    ['an initializer written again', { node: [node('Relu', ['x'], ['w'])] }],
    ['two initializers of one name', { initializer: [parts.initializers[0]!, parts.initializers[0]!] }],
    ['two inputs of one name', { input: [...parts.inputs, ...parts.inputs] }],
    ['a cycle', { node: [node('Add', ['x', 'y'], ['h']), node('Relu', ['h'], ['y'])] }],
    ['a value that reads itself', { node: [node('Add', ['x', 'y'], ['y'])] }],
    ['nodes out of order', { node: [...parts.nodes].reverse() }],
    ['a missing initializer', { initializer: [] }],
    ['an output that nothing writes', { node: [] }],
  ])('%s: ERR_FORMAT', async (_, changes) => {
    await expectRejection(decodeModel(file(changes)), 'ERR_FORMAT', /written/);
  });

  it('two attributes, or opsets, of one name: ERR_FORMAT', async () => {
    const twice = node('Gemm', ['x', 'w'], ['y'], { transB: { int: 1 } });
    twice.attribute.push(twice.attribute[0]!);
    await expectRejection(decodeModel(file({ node: [twice] })), 'ERR_FORMAT', /unique/);
    const model = create(ModelProtoSchema, {
      graph: graph(parts),
      opsetImport: [{ version: 9n }, { domain: 'ai.onnx', version: 10n }],
    });
    await expectRejection(decodeModel(toBinary(ModelProtoSchema, model)), 'ERR_FORMAT', /domain/);
  });
});

describe('external data', () => {
  const external = (entries: Record<string, string>) =>
    file({
      initializer: [
        create(TensorProtoSchema, {
          name: 'w',
          dataType: 1,
          dims: [1n, 2n],
          dataLocation: 1,
          externalData: Object.entries(entries).map(([key, text]) => ({ key, value: text })),
        }),
      ],
    });
  const weights = (offset: number) => {
    const bytes = new Uint8Array(offset + 8);
    bytes.set(new Uint8Array(Float32Array.of(3, 4).buffer), offset);
    return bytes;
  };

  it('is asked for once by its location, and read from its offset', async () => {
    const asked: string[] = [];
    const read: ExternalData = async (location) => {
      asked.push(location);
      return weights(3);
    };
    const { graph: found } = await decodeModel(
      external({ location: 'w.bin', offset: '3', length: '8' }),
      read,
    );
    expect(found.initializers.get('w')!.data).toEqual(Float32Array.of(3, 4));
    expect(asked).toEqual(['w.bin']);
  });

  it.each([
    ['no location', { offset: '0' }],
    ['an offset that is no number', { location: 'w', offset: '-1' }],
    ['a length that is no number', { location: 'w', length: '1e3' }],
    ['an offset behind the end', { location: 'w', offset: '900000000000000' }],
    ['a length that does not fit the shape', { location: 'w', length: '4' }],
  ])('%s: ERR_FORMAT', async (_, entries: Record<string, string>) => {
    await expectRejection(
      decodeModel(external(entries), async () => weights(0)),
      'ERR_FORMAT',
    );
  });

  it('without a reader, or from one that gives no bytes: ERR_ARGUMENT', async () => {
    const bytes = external({ location: 'w.bin' });
    await expectRejection(decodeModel(bytes), 'ERR_ARGUMENT', /externalData.*w\.bin/);
    const none = (async () => 'text') as unknown as ExternalData;
    await expectRejection(decodeModel(bytes, none), 'ERR_ARGUMENT', /Uint8Array/);
  });
});

function varint(n: number): number[] {
  const bytes: number[] = [];
  for (let rest = n; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}
