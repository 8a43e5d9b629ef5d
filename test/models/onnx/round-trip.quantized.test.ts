import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Calibration,
  calibrate,
  concat,
  gelu,
  hardSwish,
  type Layer,
  type LayerQuantization,
  leakyRelu,
  linear,
  load,
  logSoftmax,
  MLP,
  type Model,
  type QuantizeOptions,
  quantize,
  relu,
  relu6,
  residual,
  sigmoid,
  silu,
  softmax,
  tanh,
} from '../../../lib/index';
import { exportOnnx } from '../../../lib/onnx';
import { Seeded } from '../../support/random';

/** What `exportOnnx` writes, `load` reads as a model of the same bits. */

const random = new Seeded(5_000);
const IN = 33;
const fc = (inFeatures: number, outFeatures: number) => linear({ inFeatures, outFeatures });
const rows = random.normals(40 * IN);
const bytes = (data: ArrayBufferView) =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');

async function expectSameBits(model: Model, opset?: number): Promise<Model> {
  const file = exportOnnx(model, opset === undefined ? {} : { opset });
  const again = await load(file);
  expect(again.kind).toBe(model.kind);
  expect(bytes(again.runSync(rows))).toBe(bytes(model.runSync(rows)));
  if (model.output.dtype !== 'float32') {
    const codes = () =>
      model.output.dtype === 'uint8'
        ? new Uint8Array(40 * model.outFeatures)
        : new Int8Array(40 * model.outFeatures);
    expect(again.output).toEqual(model.output);
    expect(bytes(again.runSync(rows, codes()))).toBe(bytes(model.runSync(rows, codes())));
  }
  return again;
}

/** Stands for the name of a net's first Linear layer. */
const FIRST = 'first';

const NETS: Readonly<Record<string, readonly Layer[]>> = {
  relu: [fc(IN, 20), relu(), fc(20, 12), relu(), fc(12, 5)],
  'relu6, leaky': [fc(IN, 20), relu6(), fc(20, 12), leakyRelu(0.2), fc(12, 5)],
  tables: [fc(IN, 20), gelu(), fc(20, 12), silu(), fc(12, 9), tanh(), fc(9, 5), sigmoid()],
  'gelu by tanh, hardSwish': [fc(IN, 20), gelu('tanh'), fc(20, 12), hardSwish(), fc(12, 5)],
  softmax: [fc(IN, 20), relu(), fc(20, 5), softmax()],
  logSoftmax: [fc(IN, 5), logSoftmax()],
  residual: [fc(IN, 16), relu(), residual([fc(16, 16), relu(), fc(16, 16)]), relu(), fc(16, 4)],
  concat: [fc(IN, 16), concat([[fc(16, 6), relu()], [fc(16, 7), tanh()], []]), fc(29, 4)],
  'concat with softmax inside': [
    concat([
      [fc(IN, 6), softmax()],
      [fc(IN, 7), relu()],
    ]),
    fc(13, 4),
  ],
};

describe.each(Object.entries(NETS))('%s', (_, layers) => {
  const model = new MLP(layers, { seed: 11 });
  let ranges: Calibration;
  beforeAll(async () => {
    ranges = await calibrate(model, rows, { method: 'minmax' });
  });

  it.each([13, 17, 21])('float, opset %i', async (opset) => {
    await expectSameBits(model, opset);
  });

  it.each<[string, QuantizeOptions]>([
    ['as by default', {}],
    ['half-even', { rounding: 'half-even' }],
    ['gemmlowp, per tensor', { rounding: 'gemmlowp', weights: 'per-tensor' }],
    ['float32, symmetric', { rounding: 'float32', activations: 'symmetric' }],
    ['uint8 out', { output: 'uint8' }],
    ['int8 out', { output: 'int8' }],
    ['dynamic', { mode: 'dynamic' }],
    ['weight-only', { mode: 'weight-only' }],
    ['the first layer in float', { layers: { [FIRST]: { format: 'float32' } } }],
    ['the first layer weight-only', { layers: { [FIRST]: { mode: 'weight-only' } } }],
    ['the first layer dynamic', { layers: { [FIRST]: { mode: 'dynamic' } } }],
  ])('%s', async (_, given) => {
    const first = layers[0]!.type === 'linear' ? '0' : '0.0.0';
    const wish = given.layers?.[FIRST];
    const options = wish === undefined ? given : { layers: { [first]: wish } };
    await expectSameBits(quantize(model, ranges, options), 17);
    await expectSameBits(quantize(model, ranges, options), 13);
  });
});

it('a scale a feature', async () => {
  const model = new MLP(NETS['relu']!, { seed: 2 });
  const ranges = await calibrate(model, rows);
  await expectSameBits(quantize(model, ranges, { inputs: 'per-feature' }));
});

it('int4 weights', async () => {
  const model = new MLP([fc(IN, 70), relu(), fc(70, 5)], { seed: 2 });
  const again = await expectSameBits(
    quantize(model, null, { mode: 'weight-only', format: 'int4', groupSize: 32 }),
  );
  expect(again.stages.map(({ format }) => format)).toContain('int4');
});

it('metadata is kept', async () => {
  const file = await MLP.load(new MLP(NETS['relu']!).toBytes({ metadata: { author: 'me' } }));
  expect((await load(exportOnnx(file))).metadata).toEqual({ author: 'me' });
});

it('and again: the second file is the first', async () => {
  const model = new MLP(NETS['residual']!, { seed: 3 });
  const int8 = quantize(model, await calibrate(model, rows));
  for (const one of [model, int8]) {
    const file = exportOnnx(one);
    expect(Buffer.compare(exportOnnx(await load(file)), file)).toBe(0);
  }
});

describe('bits and wishes of layers come back', () => {
  const [first, ...others] = NETS['relu']!;
  const layers = (quantization: LayerQuantization) => [{ ...first!, name: FIRST, quantization }, ...others];

  it.each(['static', 'dynamic', 'weight-only'] as const)('4 bits, %s', async (mode) => {
    const float = new MLP(NETS['relu']!, { seed: 2 });
    const narrow = quantize(float, await calibrate(float, rows), { mode, bits: 4 });
    const again = (await expectSameBits(narrow)) as typeof narrow;
    const bits = (model: typeof narrow) =>
      model.graph.nodes.flatMap((node) =>
        node.op === 'linear' ? [(node.weight as { bits?: number }).bits] : [],
      );
    expect(bits(again)).toEqual(bits(narrow));
    expect(bits(narrow)).toEqual([4, 4, 4]);
  });

  it.each<LayerQuantization>([
    { format: 'int8', bits: 3, mode: 'dynamic', scale: Float32Array.of(0.1) },
    { format: 'int4', groupSize: 32, scale: new Float32Array(40).fill(0.5) },
    { format: 'float32' },
  ])('%j', async (wish) => {
    const again = await expectSameBits(new MLP(layers(wish), { seed: 2 }));
    expect((again as MLP).layers[0]!.quantization).toEqual(wish);
  });
});
