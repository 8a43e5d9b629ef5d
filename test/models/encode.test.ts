import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  calibrate,
  type LayerQuantization,
  layerNorm,
  linear,
  MLP,
  QuantizedMLP,
  quantize,
  relu,
  sigmoid,
} from '../../lib/index';
import { tensorsHash } from '../../lib/models/encode';
import { tensor } from '../../lib/tensor';
import { version } from '../../lib/version';
import { expectError } from '../support/errors';
import { takeApart } from '../support/files';
import { randomLinear } from '../support/models';
import { Seeded } from '../support/random';

const random = new Seeded(141);
const float = new MLP([
  randomLinear(random, 2, 3, 'fc1'),
  sigmoid(),
  linear({ name: 'fc2', inFeatures: 3, outFeatures: 1, bias: false }),
]);

describe('the document', () => {
  it('of a layer norm: PyTorch’s names; what is missing stays missing', async () => {
    const weight = Float32Array.of(1, 2);
    using model = new MLP([
      { ...layerNorm({ features: 2, weight, bias: weight, epsilon: 1e-12 }), name: 'ln' },
      layerNorm({ features: 2 }),
    ]);
    const { document, tensors } = takeApart(model.toBytes());
    expect(document).toMatchObject({
      nodes: [
        {
          name: 'ln',
          op: 'layerNorm',
          gamma: 'ln.weight',
          beta: 'ln.bias',
          attributes: { epsilon: 1e-12 },
        },
        { name: '1', op: 'layerNorm', inputs: ['ln'], output: '1', attributes: { epsilon: 1e-5 } },
      ],
    });
    expect([...tensors].map(([name, { dtype, shape }]) => `${name} ${dtype} ${shape}`)).toEqual([
      'ln.bias float32 2',
      'ln.weight float32 2',
    ]);
    using again = await MLP.load(model.toBytes());
    expect(again.toBytes()).toEqual(model.toBytes());
    expect(again.layers).toEqual(model.layers);
  });

  it('of a float model', () => {
    const { document, tensors } = takeApart(float.toBytes());
    const value = (features: number) => ({ features, dtype: 'float32' });
    expect(document).toEqual({
      version: 1,
      producer: `requant ${version()}`,
      kind: 'float',
      input: 'input',
      output: 'fc2',
      values: { input: value(2), fc1: value(3), 1: value(3), fc2: value(1) },
      nodes: [
        {
          name: 'fc1',
          op: 'linear',
          inputs: ['input'],
          output: 'fc1',
          mode: 'float',
          weight: { tensor: 'fc1.weight', format: 'float32' },
          bias: 'fc1.bias',
        },
        { name: '1', op: 'sigmoid', inputs: ['fc1'], output: '1' },
        {
          name: 'fc2',
          op: 'linear',
          inputs: ['1'],
          output: 'fc2',
          mode: 'float',
          weight: { tensor: 'fc2.weight', format: 'float32' },
        },
      ],
      record: [],
      sha256: tensorsHash(tensors),
    });
    expect(Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]))).toEqual({
      'fc1.weight': [3, 2],
      'fc1.bias': [3],
      'fc2.weight': [1, 3],
    });
  });

  it('of a static model holds no derived number and no float but in tensors', async () => {
    const ranges = await calibrate(float, random.normals(2 * 50), { method: 'minmax' });
    const { document, tensors } = takeApart(
      quantize(float, ranges, { rounding: 'gemmlowp', output: 'int8' }).toBytes(),
    );
    const codes = (name: string, features: number, dtype = 'uint8') => ({
      features,
      dtype,
      scale: `${name}.value_scale`,
      zeroPoint: expect.any(Number),
    });
    const weight = (name: string) => ({
      tensor: `${name}.weight`,
      format: 'int8',
      scale: `${name}.weight_scale`,
    });
    expect(document).toMatchObject({
      kind: 'quantized',
      rounding: 'gemmlowp',
      values: {
        input: codes('input', 2),
        fc1: codes('fc1', 3),
        1: codes('1', 3),
        fc2: codes('fc2', 1, 'int8'),
      },
      nodes: [
        {
          name: 'fc1',
          op: 'linear',
          inputs: ['input'],
          output: 'fc1',
          mode: 'static',
          weight: weight('fc1'),
          bias: 'fc1.bias',
        },
        { name: '1', op: 'sigmoid', table: '1.table' },
        { name: 'fc2', op: 'linear', mode: 'static', weight: weight('fc2') },
      ],
      record: [
        { step: 'calibrate', method: 'minmax', rows: 50 },
        { step: 'quantize', mode: 'static', rounding: 'gemmlowp', output: 'int8' },
      ],
    });
    expect([...tensors].map(([name, { dtype, shape }]) => `${name} ${dtype} ${shape}`).sort()).toEqual([
      '1.table uint8 256',
      '1.value_scale float32 1',
      'fc1.bias int32 3',
      'fc1.value_scale float32 1',
      'fc1.weight int8 3,2',
      'fc1.weight_scale float32 3',
      'fc2.value_scale float32 1',
      'fc2.weight int8 1,3',
      'fc2.weight_scale float32 1',
      'input.value_scale float32 1',
    ]);
    const numbers = JSON.stringify({ ...document, record: [] }).match(/-?\d+\.\d+/g);
    expect(numbers?.filter((n) => n !== version() && !version().startsWith(n)) ?? []).toEqual([]);
  });
});

it('the hash goes over the bytes of all tensors in the order of their names', () => {
  const tensors = new Map([
    ['b', tensor(Int8Array.of(3, 4))],
    ['a', tensor(Uint8Array.of(1, 2))],
  ]);
  expect(tensorsHash(tensors)).toBe(
    createHash('sha256')
      .update(Uint8Array.of(1, 2, 3, 4))
      .digest('hex'),
  );
});

it('names that look like the suffixes of others stay apart', async () => {
  const names = ['a', 'a.weight', 'a.bias', 'a.weight.bias', '__metadata__', 'input.value_scale'];
  const model = new MLP(names.map((name) => linear({ name, inFeatures: 2, outFeatures: 2 })));
  const again = await MLP.load(model.toBytes());
  expect(again.toBytes()).toEqual(model.toBytes());
  const x = random.normals(20);
  const ranges = await calibrate(model, x, { method: 'minmax' });
  expect(quantize(again, ranges).runSync(x)).toEqual(quantize(model, ranges).runSync(x));
});

it('a model that no file can hold is refused when it is saved, not when it is loaded', () => {
  const many = new MLP([linear({ inFeatures: 1, outFeatures: 1 }), ...Array.from({ length: 10_000 }, relu)]);
  expectError(() => many.toBytes(), 'ERR_LIMIT', /nodes/);
  const long = 'x'.repeat(250);
  const wide = new MLP([
    linear({ inFeatures: 1, outFeatures: 1 }),
    ...Array.from({ length: 2000 }, (_, i) => ({ ...relu(), name: `${long}${i}` })),
  ]);
  expectError(() => wide.toBytes(), 'ERR_LIMIT', /1048576/);
});

it.each<LayerQuantization>([
  { mode: 'dynamic' },
  { format: 'float32' },
  { format: 'int8', bits: 4, mode: 'weight-only', scale: Float32Array.of(0.5, 0.25) },
  { format: 'int4', groupSize: 32, scale: Float32Array.of(1, 2, 3, 4) },
])('keeps what a layer wishes for: %j', async (quantization) => {
  const model = new MLP([{ ...linear({ inFeatures: 40, outFeatures: 2 }), quantization }]);
  const bytes = model.toBytes();
  const loaded = await MLP.load(bytes);
  expect(loaded.layers[0]!.quantization).toEqual(quantization);
  expect(loaded.toBytes()).toEqual(bytes);
});

it.each([2, 3, 4] as const)('keeps that weights have %d bits', async (bits) => {
  using model = quantize(new MLP([linear({ inFeatures: 9, outFeatures: 5, name: 'fc' })]), null, {
    mode: 'dynamic',
    bits,
  });
  const bytes = model.toBytes();
  expect(takeApart(bytes).document).toMatchObject({ nodes: [{ weight: { format: 'int8', bits } }] });
  expect((await QuantizedMLP.load(bytes)).toBytes()).toEqual(bytes);
});
