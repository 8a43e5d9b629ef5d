import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeModel, graph, node, tensor as onnxTensor, value } from '../../lib/formats/onnx';
import { writeSafetensors } from '../../lib/formats/safetensors';
import {
  type ElementwiseName,
  elu,
  type Layer,
  type LoadOptions,
  linear,
  MLP,
  QuantizedMLP,
  quantize,
  relu,
  type Source,
  softmax,
  tanh,
} from '../../lib/index';
import { type Tensor, tensor } from '../../lib/tensor';
import { expectRejection } from '../support/errors';
import { withJson } from '../support/files';
import { randomChain } from '../support/models';
import { Seeded } from '../support/random';

const untyped = <T>(value: unknown) => value as T;
const random = new Seeded(121);

function checkpoint(tensors: Record<string, Tensor>, metadata: Record<string, string> = {}): Uint8Array {
  return writeSafetensors(new Map(Object.entries(tensors)), metadata);
}

const matrix = (out: number, inFeatures: number) =>
  tensor(random.normals(out * inFeatures), [out, inFeatures]);
const vector = (length: number) => tensor(random.normals(length));

/** A safetensors file of one dtype, written by hand: half floats are only read by the package. */
function rawCheckpoint(
  dtype: 'F16' | 'BF16',
  words: Record<string, { shape: number[]; data: Uint16Array }>,
): Uint8Array {
  let at = 0;
  const header = Object.fromEntries(
    Object.entries(words).map(([name, { shape, data }]) => {
      const begin = at;
      at += data.byteLength;
      return [name, { dtype, shape, data_offsets: [begin, at] }];
    }),
  );
  const json = Buffer.from(JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + at);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  let offset = 8 + json.length;
  for (const { data } of Object.values(words)) {
    file.set(new Uint8Array(data.buffer), offset);
    offset += data.byteLength;
  }
  return file;
}

describe('checkpoints from elsewhere', () => {
  const tensors = { 'fc1.weight': matrix(4, 3), 'fc1.bias': vector(4), 'fc2.weight': matrix(2, 4) };
  const rows = random.normals(3 * 7);
  const byHand = (activation: () => Layer) =>
    new MLP([
      linear({
        inFeatures: 3,
        outFeatures: 4,
        weight: tensors['fc1.weight'].data as Float32Array,
        bias: tensors['fc1.bias'].data as Float32Array,
      }),
      activation(),
      linear({ inFeatures: 4, outFeatures: 2, weight: tensors['fc2.weight'].data as Float32Array }),
    ]);

  it('are linear layers with the activation between them, none behind the last', async () => {
    for (const activation of ['relu', relu()] as const) {
      using model = await MLP.load(checkpoint(tensors), { activation });
      expect(model.runSync(rows)).toEqual(byHand(relu).runSync(rows));
      expect(model.stages.map((stage) => stage.name)).toEqual(['fc1', 'fc1.relu', 'fc2']);
    }
    using other = await MLP.load(checkpoint(tensors), { activation: elu(0.5) });
    expect(other.runSync(rows)).toEqual(byHand(() => elu(0.5)).runSync(rows));
    using rowwise = await MLP.load(checkpoint(tensors), { activation: softmax() });
    expect(rowwise.runSync(rows)).toEqual(byHand(softmax).runSync(rows));
  });

  it.each([
    'relu6',
    'leakyRelu',
    'elu',
    'hardSigmoid',
    'hardSwish',
    'sigmoid',
    'tanh',
    'gelu',
    'silu',
  ] as const)('%s', async (activation) => {
    using model = await MLP.load(checkpoint(tensors), { activation });
    expect(model.stages[1]!.op).toBe(activation);
  });

  it('stand in natural order: fc2 before fc10', async () => {
    const names = ['fc10', 'fc9', 'fc1', 'fc2', 'fc11'];
    const widths = new Map(
      [...names].sort((a, b) => Number(a.slice(2)) - Number(b.slice(2))).map((name, i) => [name, i + 1]),
    );
    const file = Object.fromEntries(
      names.map((name) => [`${name}.weight`, matrix(widths.get(name)! + 1, widths.get(name)!)]),
    );
    using model = await MLP.load(checkpoint(file), { activation: 'relu' });
    expect(model.stages.filter(({ op }) => op === 'linear').map(({ name }) => name)).toEqual([
      'fc1',
      'fc2',
      'fc9',
      'fc10',
      'fc11',
    ]);
  });

  it('keep PyTorch’s dotted names and the file’s metadata', async () => {
    const file = checkpoint(
      { 'net.0.weight': matrix(2, 2), 'net.2.weight': matrix(2, 2), 'net.10.weight': matrix(2, 2) },
      { format: 'pt', author: 'x' },
    );
    using model = await MLP.load(file, { activation: 'tanh' });
    expect(model.valueNames).toEqual(['input', 'net.0', 'net.0.tanh', 'net.2', 'net.2.tanh', 'net.10']);
    expect(model.metadata).toEqual({ author: 'x' });
  });

  it('in F16 and BF16 are widened exactly', async () => {
    const bias = { shape: [2], data: new Uint16Array(2) };
    // 1.5, −2, 0.25, 65504 (F16) and 1.5, −2, 0.25, 3·2^−130 (BF16, a subnormal)
    const f16 = rawCheckpoint('F16', {
      'a.weight': { shape: [2, 2], data: Uint16Array.of(0x3e00, 0xc000, 0x3400, 0x7bff) },
      'a.bias': bias,
    });
    const bf16 = rawCheckpoint('BF16', {
      'a.weight': { shape: [2, 2], data: Uint16Array.of(0x3fc0, 0xc000, 0x3e80, 0x0018) },
      'a.bias': bias,
    });
    using half = await MLP.load(f16, { activation: 'relu' });
    using brain = await MLP.load(bf16, { activation: 'relu' });
    expect([...half.runSync(Float32Array.of(1, 0, 0, 1))]).toEqual([1.5, 0.25, -2, 65504]);
    expect([...brain.runSync(Float32Array.of(1, 0, 0, 1))]).toEqual([1.5, 0.25, -2, 3 * 2 ** -130]);
  });

  it('saved again are files of our own', async () => {
    using model = await MLP.load(checkpoint(tensors), { activation: 'gelu' });
    using again = await MLP.load(model.toBytes());
    expect(again.runSync(rows)).toEqual(model.runSync(rows));
  });

  it('need an activation', async () => {
    await expectRejection(MLP.load(checkpoint(tensors)), 'ERR_ARGUMENT', /activation/);
  });

  it.each(['softplus', 'clip', 'linear', '__proto__', 5, null, { type: 'conv' }, {}])(
    'refuse %o as activation',
    async (activation) => {
      const options = { activation: untyped<ElementwiseName>(activation) };
      const code = typeof activation === 'object' && activation !== null ? 'ERR_UNSUPPORTED' : 'ERR_ARGUMENT';
      await expectRejection(MLP.load(checkpoint(tensors), options), code);
    },
  );

  it.each([
    ['a stray tensor', { 'a.weight': matrix(2, 2), 'a.running_mean': vector(2) }],
    ['a bias without its weight', { 'a.weight': matrix(2, 2), 'b.bias': vector(2) }],
    ['no tensor', {}],
    ['a weight that is a vector', { 'a.weight': vector(4) }],
    ['a weight of int8', { 'a.weight': tensor(new Int8Array(4), [2, 2]) }],
    ['a weight without rows', { 'a.weight': tensor(new Float32Array(0), [0, 2]) }],
    ['a bias of another length', { 'a.weight': matrix(2, 2), 'a.bias': vector(3) }],
    ['a bias of int32', { 'a.weight': matrix(2, 2), 'a.bias': tensor(new Int32Array(2)) }],
    ['a bias that is a matrix', { 'a.weight': matrix(2, 2), 'a.bias': matrix(1, 2) }],
  ])('with %s are ERR_FORMAT', async (_, file) => {
    await expectRejection(MLP.load(checkpoint(file), { activation: 'relu' }), 'ERR_FORMAT');
  });

  it('whose layers do not fit are ERR_SHAPE; nameless ones ERR_ARGUMENT', async () => {
    const activation = 'relu';
    await expectRejection(
      MLP.load(checkpoint({ 'a.weight': matrix(2, 2), 'b.weight': matrix(2, 3) }), { activation }),
      'ERR_SHAPE',
    );
    await expectRejection(
      MLP.load(checkpoint({ '.weight': matrix(2, 2) }), { activation }),
      'ERR_ARGUMENT',
      /name/,
    );
  });

  it('are no quantized models', async () => {
    await expectRejection(
      QuantizedMLP.load(checkpoint(tensors), untyped<LoadOptions>({ activation: 'relu' })),
      'ERR_MODEL_KIND',
    );
  });
});

describe('files of our own', () => {
  const model = new MLP(randomChain(random, [3, 4, 2], tanh));

  it('state their layers: an activation is ERR_ARGUMENT', async () => {
    await expectRejection(MLP.load(model.toBytes(), { activation: 'relu' }), 'ERR_ARGUMENT', /activation/);
  });

  it('do not share memory with the bytes they came from', async () => {
    const rows = random.normals(3 * 4);
    for (const original of [model, quantize(model, null, { mode: 'weight-only' })]) {
      for (const copy of [(b: Uint8Array) => b.slice(), (b: Uint8Array) => Buffer.from(b)]) {
        const bytes = copy(original.toBytes());
        using again = original.kind === 'float' ? await MLP.load(bytes) : await QuantizedMLP.load(bytes);
        bytes.fill(0);
        expect(again.runSync(rows)).toEqual(original.runSync(rows));
        expect(again.toBytes()).toEqual(original.toBytes());
      }
    }
  });

  it('may lie anywhere in memory', async () => {
    const bytes = model.toBytes();
    for (let offset = 1; offset < 5; offset++) {
      const memory = new Uint8Array(bytes.length + 8);
      memory.set(bytes, offset);
      using again = await MLP.load(memory.subarray(offset, offset + bytes.length));
      expect(again.toBytes()).toEqual(bytes);
    }
  });

  it('without their JSON are ERR_FORMAT', async () => {
    await expectRejection(MLP.load(checkpoint({}, { format: 'requant' })), 'ERR_FORMAT', /requant/);
    await expectRejection(MLP.load(withJson('')), 'ERR_FORMAT');
  });
});

/** op(2·(x1 − x0)) … as a file. */
function onnxGraph(activations: readonly string[]): Uint8Array {
  return encodeModel(
    graph({
      name: 'g',
      inputs: [value('x', 'float32', ['batch', 2])],
      outputs: [value(`y${activations.length}`, 'float32', ['batch', 1])],
      initializers: [onnxTensor('fc.weight', 'float32', [1, 2], Float32Array.of(-1, 1))],
      nodes: [
        node('Gemm', ['x', 'fc.weight'], ['y0'], { transB: { int: 1 }, alpha: { float: 2 } }),
        ...activations.map((op, i) => node(op, [`y${i}`], [`y${i + 1}`])),
      ],
    }),
  );
}

describe('sources', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'requant-load-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('a missing file, a folder: ERR_IO with the cause', async () => {
    await expectRejection(MLP.load(path.join(folder, 'missing')), 'ERR_IO', /missing/);
    await expectRejection(MLP.load(folder), 'ERR_IO');
    await expect(MLP.load(path.join(folder, 'missing'))).rejects.toHaveProperty('cause.code', 'ENOENT');
  });

  it.each([undefined, null, 5, {}, new ArrayBuffer(8), [1, 2]])('%o: ERR_ARGUMENT', async (source) => {
    await expectRejection(MLP.load(untyped<Source>(source)), 'ERR_ARGUMENT');
  });

  it('a URL of no file: ERR_ARGUMENT', async () => {
    await expectRejection(MLP.load(new URL('https://example.com/model')), 'ERR_ARGUMENT', /file/);
  });

  it('ONNX is known by its content, not by its name', async () => {
    const file = onnxGraph(['Relu']);
    const asSafetensors = path.join(folder, 'model.safetensors');
    await writeFile(asSafetensors, file);
    for (const source of [file, asSafetensors]) {
      using model = await MLP.load(source);
      expect(model.stages.map(({ op }) => op)).toEqual(['linear', 'relu']);
      expect([...model.runSync(Float32Array.of(1, 2, -3, 4))]).toEqual([2, 14]);
    }
    await expectRejection(MLP.load(file, { activation: 'relu' }), 'ERR_ARGUMENT', /activation/);
    await expectRejection(QuantizedMLP.load(file), 'ERR_MODEL_KIND');
    await expectRejection(MLP.load(file.subarray(0, 2)), 'ERR_FORMAT', /ONNX/);
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['a few bytes', Uint8Array.of(1, 2, 3)],
    ['text', Uint8Array.from(Buffer.from('this is a text and not a model'))],
    ['a truncated file', new MLP([linear({ inFeatures: 4, outFeatures: 4 })]).toBytes().slice(0, -1)],
  ])('%s: ERR_FORMAT', async (_, bytes) => {
    await expectRejection(MLP.load(bytes), 'ERR_FORMAT');
  });
});
