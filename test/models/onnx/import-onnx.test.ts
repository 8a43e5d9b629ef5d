import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { create, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graph, node, value } from '../../../lib/formats/onnx';
import { ModelProtoSchema, TensorProtoSchema } from '../../../lib/formats/onnx/onnx_pb';
import { calibrate, load, MLP, quantize } from '../../../lib/index';
import { type ImportOptions, importOnnx } from '../../../lib/onnx';
import { expectRejection } from '../../support/errors';
import { OnnxBuilder } from '../../support/onnx-builder';
import { Seeded } from '../../support/random';

const random = new Seeded(77);

function residualMlp(): Uint8Array {
  const b = new OnnxBuilder(17);
  const dense = (x: string, n: number, k: number, name: string) =>
    b.node(
      'Gemm',
      [x, b.floats(random.normals(n * k, 0.5), [n, k], `${name}.weight`), b.floats(random.normals(n))],
      {
        transB: { int: 1 },
      },
    );
  const h = b.node('Relu', [dense('x', 6, 4, 'fc1')]);
  const sum = b.node('Add', [dense(b.node('Tanh', [dense(h, 6, 6, 'fc2')]), 6, 6, 'fc3'), h]);
  return b.encode([4], dense(sum, 3, 6, 'out'));
}

describe('importOnnx', () => {
  const bytes = residualMlp();
  const rows = random.normals(40 * 4);

  it('gives a model like any other: layers, quantize, save', async () => {
    const model = await importOnnx(bytes, { threads: 1 });
    if (!(model instanceof MLP)) throw new Error('expected a float model');
    expect(model.layers.map(({ type, name }) => [type, name])).toEqual([
      ['linear', 'fc1'],
      ['relu', 'v2'],
      ['residual', 'v8'],
      ['linear', 'out'],
    ]);
    expect(new MLP(model.layers).runSync(rows)).toEqual(model.runSync(rows));
    expect((await load(model.toBytes())).runSync(rows)).toEqual(model.runSync(rows));
    const int8 = quantize(model, await calibrate(model, rows));
    expect(int8.stages.map(({ name }) => name)).toContain('fc2');
  });

  it('a graph of another form runs, though it has no layers', async () => {
    const b = new OnnxBuilder(17);
    const [p, q] = [b.node('Relu', ['x']), b.node('Tanh', ['x'])];
    const crossed = b.node('Add', [b.node('Add', [p, q]), b.node('Sigmoid', [b.node('Add', [q, 'x'])])]);
    const model = await MLP.load(b.encode([2], crossed));
    const [y] = model.runSync(Float32Array.of(1, 1));
    expect(y).toBeCloseTo(1 + Math.tanh(1) + 1 / (1 + Math.exp(-1 - Math.tanh(1))), 6);
    expect(() => model.layers).toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }));
  });

  it('does not touch or keep the bytes', async () => {
    const copy = Buffer.from(bytes);
    const model = await importOnnx(copy);
    const before = model.runSync(rows);
    expect(copy.equals(bytes)).toBe(true);
    copy.fill(0);
    expect(model.runSync(rows)).toEqual(before);
  });

  it.each([
    ['an activation', { activation: 'relu' }],
    ['an unknown option', { layers: 3 }],
    ['externalData that is no function', { externalData: 'w.bin' }],
    ['no number of threads', { threads: 0 }],
  ])('%s: ERR_ARGUMENT', async (_, options) => {
    await expectRejection(importOnnx(bytes, options as unknown as ImportOptions), 'ERR_ARGUMENT');
  });

  it('safetensors: ERR_FORMAT', async () => {
    const model = await importOnnx(bytes);
    await expectRejection(importOnnx(model.toBytes()), 'ERR_FORMAT', /ONNX/);
  });
});

describe('external data', () => {
  let folder: string;
  const weights = new Uint8Array(Float32Array.of(2, -1).buffer);
  const file = (location: string) =>
    toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, {
        irVersion: 8n,
        opsetImport: [{ version: 17n }],
        graph: graph({
          name: 'g',
          inputs: [value('x', 'float32', ['batch', 2])],
          outputs: [value('y', 'float32', ['batch', 1])],
          initializers: [
            create(TensorProtoSchema, {
              name: 'w',
              dataType: 1,
              dims: [2n, 1n],
              dataLocation: 1,
              externalData: [{ key: 'location', value: location }],
            }),
          ],
          nodes: [node('MatMul', ['x', 'w'], ['y'])],
        }),
      }),
    );
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'requant-onnx-'));
    await writeFile(path.join(folder, 'model.onnx'), file('weights.bin'));
    await writeFile(path.join(folder, 'weights.bin'), weights);
    await writeFile(path.join(folder, 'bad.onnx'), file('../weights.bin'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('lies beside the model’s path', async () => {
    const model = path.join(folder, 'model.onnx');
    for (const source of [model, pathToFileURL(model)]) {
      expect((await importOnnx(source)).runSync(Float32Array.of(3, 1))).toEqual(Float32Array.of(5));
      expect((await load(source)).runSync(Float32Array.of(3, 1))).toEqual(Float32Array.of(5));
    }
    await expectRejection(load(path.join(folder, 'bad.onnx')), 'ERR_FORMAT', /folder/);
  });

  it('of a model in bytes is the caller’s', async () => {
    const model = await importOnnx(file('any'), { externalData: async () => weights });
    expect(model.runSync(Float32Array.of(3, 1))).toEqual(Float32Array.of(5));
    await expectRejection(load(file('any')), 'ERR_ARGUMENT', /externalData/);
    const failure = new Error('no such object');
    await expect(importOnnx(file('any'), { externalData: () => Promise.reject(failure) })).rejects.toBe(
      failure,
    );
  });
});
