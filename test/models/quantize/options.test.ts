import { describe, expect, it } from 'vitest';
import { type Calibration, linear, MLP, type QuantizeOptions, quantize, relu } from '../../../lib/index';
import { quantizeSettings } from '../../../lib/models/quantize/options';
import { expectError } from '../../support/errors';
import { randomLinear } from '../../support/models';
import { Seeded } from '../../support/random';

const untyped = <T>(value: unknown) => value as T;
const model = new MLP([
  randomLinear(new Seeded(1), 3, 4, 'fc1'),
  relu(),
  linear({ name: 'fc2', inFeatures: 4, outFeatures: 2, bias: false }),
]);
// As `calibrate` with 'minmax' gives them: plain data.
const calibration: Calibration = {
  method: 'minmax',
  rows: 20,
  ranges: {
    input: { min: -2, max: 2 },
    fc1: { min: -3, max: 3 },
    1: { min: 0, max: 3 },
    fc2: { min: -2, max: 2 },
  },
  kept: new Seeded(2).normals(3 * 20),
  toJSON: () => ({}),
};
const [fc1, fc2] = model.graph.nodes.filter((node) => node.op === 'linear');

describe('defaults', () => {
  it('static, half-up, per-channel, asymmetric, per-tensor input, float32 output', () => {
    const settings = quantizeSettings(model.graph, {});
    expect(settings).toMatchObject({
      rounding: 'half-up',
      perTensorWeights: false,
      symmetric: false,
      perFeatureInputs: false,
      output: 'float32',
    });
    expect([...settings.layers.values()]).toEqual([
      { mode: 'static', scale: undefined, bits: 8 },
      { mode: 'static', scale: undefined, bits: 8 },
    ]);
    expect(quantize(model, calibration).rounding).toBe('half-up');
  });

  it('undefined is the default too', () => {
    const options = {
      mode: undefined,
      rounding: undefined,
      layers: undefined,
      threads: undefined,
      maxQueue: undefined,
    };
    expect(quantize(model, calibration, untyped(options)).toBytes()).toEqual(
      quantize(model, calibration).toBytes(),
    );
  });
});

it('a layer’s own options are stronger than its wish, and its wish than the model’s', () => {
  const scale = Float32Array.of(0.5);
  const wishing = new MLP([
    { ...randomLinear(new Seeded(1), 3, 4, 'fc1'), quantization: { mode: 'dynamic', scale } },
  ]);
  const [node] = wishing.graph.nodes.filter((n) => n.op === 'linear');
  const settings = (options: QuantizeOptions) => quantizeSettings(wishing.graph, options).layers.get(node!);
  expect(settings({ mode: 'weight-only' })).toEqual({ mode: 'dynamic', scale, bits: 8 });
  expect(settings({ layers: { fc1: { mode: 'static' } } })).toEqual({ mode: 'static', scale, bits: 8 });
  expect(settings({ layers: { fc1: { format: 'float32' } } })).toEqual({
    mode: 'float',
    scale: undefined,
    bits: 8,
  });
  expect(settings({ layers: { fc1: { format: 'int4' } } })).toMatchObject({
    mode: 'dynamic',
    scale: undefined,
  });
  expect(settings({ layers: { fc1: { format: 'int8', bits: 4 } } })).toEqual({
    mode: 'dynamic',
    scale,
    bits: 4,
  });
  expect(settings({ bits: 2 })).toEqual({ mode: 'dynamic', scale, bits: 2 });
  expect(settings({ bits: 2, layers: { fc1: { bits: 3 } } })).toEqual({ mode: 'dynamic', scale, bits: 3 });
  expect(settings({ format: 'float32' })).toMatchObject({ mode: 'float' });
});

it('layers are chosen by name', () => {
  const { layers } = quantizeSettings(model.graph, {
    mode: 'dynamic',
    layers: { fc2: { mode: 'weight-only', bits: 8, activationBits: 8 } },
  });
  expect(layers.get(fc1!)).toMatchObject({ mode: 'dynamic' });
  expect(layers.get(fc2!)).toMatchObject({ mode: 'weight-only' });
});

describe('refuses', () => {
  it.each([
    ['an unknown key', { outptu: 'int8' }, 'ERR_ARGUMENT'],
    ['null', null, 'ERR_ARGUMENT'],
    ['another mode', { mode: 'fast' }, 'ERR_ARGUMENT'],
    ['another rounding', { rounding: 'up' }, 'ERR_ARGUMENT'],
    ['another granularity', { weights: 'per-row' }, 'ERR_ARGUMENT'],
    ['other activations', { activations: 'none' }, 'ERR_ARGUMENT'],
    ['other inputs', { inputs: 'per-channel' }, 'ERR_ARGUMENT'],
    ['another output', { output: 'int32' }, 'ERR_ARGUMENT'],
    ['an unknown layer', { layers: { fc3: {} } }, 'ERR_ARGUMENT'],
    ['a layer that is not linear', { layers: { 1: {} } }, 'ERR_ARGUMENT'],
    ['a layer of a prototype’s name', { layers: { toString: {} } }, 'ERR_ARGUMENT'],
    ['layers that are text', { layers: 'fc1' }, 'ERR_ARGUMENT'],
    ['null as layers', { layers: null }, 'ERR_ARGUMENT'],
    ['an unknown key of a layer', { layers: { fc1: { bit: 4 } } }, 'ERR_ARGUMENT'],
    ['null as a layer’s options', { layers: { fc1: null } }, 'ERR_ARGUMENT'],
    ['another mode of a layer', { layers: { fc1: { mode: 'x' } } }, 'ERR_ARGUMENT'],
    ['static int4', { format: 'int4' }, 'ERR_UNSUPPORTED'],
    ['another group size', { format: 'int4', mode: 'dynamic', groupSize: 16 }, 'ERR_ARGUMENT'],
    ['8 bits of int4', { format: 'int4', mode: 'dynamic', layers: { fc1: { bits: 8 } } }, 'ERR_UNSUPPORTED'],
    [
      'a scale a feature of int4 groups',
      { format: 'int4', mode: 'dynamic', layers: { fc1: { scale: new Float32Array(1).fill(1) } } },
      'ERR_SHAPE',
    ],
    ['groups of an int8 layer', { layers: { fc1: { groupSize: 32 } } }, 'ERR_UNSUPPORTED'],
    ['fp8', { format: { mantissa: 3, exponent: 4 } }, 'ERR_UNSUPPORTED'],
    ['an unknown format', { format: 'int9' }, 'ERR_UNSUPPORTED'],
    ['groups', { groupSize: 32 }, 'ERR_UNSUPPORTED'],
    ['5 bits of a layer', { layers: { fc1: { bits: 5 } } }, 'ERR_UNSUPPORTED'],
    ['5 bits', { bits: 5 }, 'ERR_ARGUMENT'],
    ['bits of int4 alone', { bits: 4, format: 'int4', mode: 'dynamic' }, 'ERR_UNSUPPORTED'],
    ['a scale for each input', { layers: { fc1: { scale: new Float32Array(3).fill(1) } } }, 'ERR_SHAPE'],
    [
      'scales of a layer without bias, of another length',
      { layers: { fc2: { scale: new Float32Array(3).fill(1) } } },
      'ERR_SHAPE',
    ],
    ['plain numbers as scale', { layers: { fc1: { scale: [1] } } }, 'ERR_DTYPE'],
    ['scale 0', { layers: { fc1: { scale: new Float32Array(1) } } }, 'ERR_ARGUMENT'],
    ['an infinite scale', { layers: { fc1: { scale: Float32Array.of(Infinity) } } }, 'ERR_ARGUMENT'],
    ['no threads', { threads: 0 }, 'ERR_ARGUMENT'],
    ['another onNaN', { onNaN: 'x' }, 'ERR_ARGUMENT'],
    ['an empty queue', { maxQueue: 0 }, 'ERR_ARGUMENT'],
  ] as const)('%s', (_, options, code) => {
    expectError(() => quantize(model, calibration, untyped(options)), code);
  });

  it.each([
    ['null for a static model', null],
    ['one without the input', { ...calibration, ranges: { ...calibration.ranges, input: undefined } }],
    ['one of another model', { ...calibration, ranges: { input: { min: 0, max: 1 } } }],
    ['null as ranges', { ...calibration, ranges: null }],
    ['null as a range', { ...calibration, ranges: { ...calibration.ranges, input: null } }],
    ['a range of text', { ...calibration, ranges: { ...calibration.ranges, input: { min: '0', max: 1 } } }],
    [
      'a range that is infinite',
      { ...calibration, ranges: { ...calibration.ranges, input: { min: 0, max: Infinity } } },
    ],
    [
      'a range out of order',
      { ...calibration, ranges: { ...calibration.ranges, input: { min: 1, max: 0 } } },
    ],
    ['a number', 5],
    ['nothing', undefined],
  ])('as calibration: %s', (_, wrong) => {
    expectError(() => quantize(model, untyped<Calibration>(wrong)), 'ERR_ARGUMENT');
  });

  it('ranges that are missing where codes leave a dynamic model', () => {
    expectError(() => quantize(model, null, { mode: 'dynamic', output: 'int8' }), 'ERR_ARGUMENT', /'fc2'/);
  });

  it('per-feature inputs without rows, or of another width', () => {
    const kept = (rows: Float32Array) => ({ ...calibration, kept: rows }) as Calibration;
    for (const rows of [new Float32Array(0), new Float32Array(4)]) {
      expectError(() => quantize(model, kept(rows), { inputs: 'per-feature' }), 'ERR_ARGUMENT', /keepRows/);
    }
  });

  it('anything but a float MLP', () => {
    for (const other of [quantize(model, calibration), {}, null, undefined]) {
      expectError(() => quantize(untyped(other), calibration), 'ERR_MODEL_KIND');
    }
  });

  it('weights or biases that are not finite', () => {
    for (const bad of [Number.NaN, Infinity]) {
      for (const part of [
        { weight: Float32Array.of(bad) },
        { weight: Float32Array.of(1), bias: Float32Array.of(bad) },
      ]) {
        const broken = new MLP([linear({ inFeatures: 1, outFeatures: 1, name: 'fc', ...part })]);
        const ranges = { ...calibration, ranges: { input: { min: 0, max: 1 } } } as Calibration;
        for (const mode of ['static', 'dynamic', 'weight-only'] as const) {
          expectError(() => quantize(broken, ranges, { mode }), 'ERR_ARGUMENT', /finite.*'fc'/);
        }
      }
    }
  });
});
