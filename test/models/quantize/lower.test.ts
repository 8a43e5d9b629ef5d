import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Calibration,
  calibrate,
  clip,
  concat,
  type Layer,
  linear,
  load,
  MLP,
  type QuantizedMLP,
  type QuantizeOptions,
  quantize,
  RequantError,
  relu,
  relu6,
  residual,
  sigmoid,
  softmax,
  tanh,
} from '../../../lib/index';
import { expectSameBytes } from '../../support/bytes';
import { expectError } from '../../support/errors';
import { get, takeApart } from '../../support/files';
import {
  ACTIVATIONS,
  evaluateRows,
  expectClose,
  randomLayerNorm,
  randomLinear,
  sqnr,
} from '../../support/models';
import { Seeded } from '../../support/random';

const minmax = (model: MLP, rows: Float32Array) => calibrate(model, rows, { method: 'minmax' });
const operators = (model: QuantizedMLP) => model.stages.map(({ name, op }) => `${name}:${op}`);
const value = (model: QuantizedMLP, name: string) =>
  get(takeApart(model.toBytes()).document, `values/${name}`);

describe('clamps fuse into the layer before them', () => {
  const random = new Seeded(161);
  const rows = random.normals(4 * 200);

  it('as bounds of its codes', async () => {
    const model = new MLP([
      randomLinear(random, 4, 5, 'a'),
      relu(),
      randomLinear(random, 5, 5, 'b'),
      clip(-0.5, 1),
      relu6(),
      randomLinear(random, 5, 2, 'c'),
    ]);
    const int8 = quantize(model, await minmax(model, rows));
    expect(operators(int8)).toEqual(['a:linear', 'b:linear', 'c:linear']);
    expect(value(int8, '1')).toMatchObject({ dtype: 'uint8', zeroPoint: 0 });
    expect(value(int8, '4')).toMatchObject({ dtype: 'uint8' });
    expect(sqnr(evaluateRows(model, rows), int8.runSync(rows))).toBeGreaterThan(30);
  });

  it('in order: a clamp above another gives its lower bound', async () => {
    for (const clamps of [
      [clip(0, 1), clip(3, 5)],
      [clip(3, 5), clip(0, 1)],
      [clip(-5, -1), relu()],
    ]) {
      const model = new MLP([randomLinear(random, 4, 5, 'a'), ...clamps, randomLinear(random, 5, 2, 'c')]);
      const int8 = quantize(model, await minmax(model, rows));
      expect(operators(int8)).toEqual(['a:linear', 'c:linear']);
      expectClose(int8.runSync(rows), evaluateRows(model, rows), 0.05);
    }
  });

  it('behind an add and a concat too, but not where something else reads in between', async () => {
    const model = new MLP([
      residual([randomLinear(random, 4, 4, 'a')]),
      relu(),
      concat([[], [randomLinear(random, 4, 4, 'b')]]),
      relu(),
      randomLinear(random, 8, 4, 'c'),
      residual([relu()]),
      randomLinear(random, 4, 2, 'd'),
    ]);
    const int8 = quantize(model, await minmax(model, rows));
    expect(operators(int8)).toEqual([
      'a:linear',
      '0:add',
      'b:linear',
      '2:concat',
      'c:linear',
      '5.0:relu',
      '5:add',
      'd:linear',
    ]);
    expect(sqnr(evaluateRows(model, rows), int8.runSync(rows))).toBeGreaterThan(25);
  });
});

describe('conversions', () => {
  const random = new Seeded(162);
  const rows = random.normals(4 * 100);

  it('stand where arithmetic changes, once a value', async () => {
    const layers = [
      randomLinear(random, 4, 6, 'a'),
      tanh(),
      residual([randomLinear(random, 6, 6, 'b')]),
      randomLinear(random, 6, 2, 'c'),
    ];
    const model = new MLP(layers);
    const mixed = quantize(model, await minmax(model, rows), { layers: { b: { mode: 'dynamic' } } });
    expect(operators(mixed)).toEqual([
      'a:linear',
      '1:tanh',
      '1.float32:dequantize',
      'b:linear',
      'b.codes:quantize',
      '2:add',
      'c:linear',
    ]);
    expect(sqnr(evaluateRows(model, rows), mixed.runSync(rows))).toBeGreaterThan(25);
  });

  it('do not collide with layers that are named so', async () => {
    const layers = [
      randomLinear(random, 4, 6, 'a'),
      { ...tanh(), name: 'a.codes' },
      { ...tanh(), name: 'a.float32' },
      randomLinear(random, 6, 2, 'input.codes'),
    ];
    const model = new MLP(layers);
    for (const options of [
      { layers: { a: { mode: 'dynamic' } } },
      { layers: { 'input.codes': { mode: 'dynamic' } } },
    ] as QuantizeOptions[]) {
      using int8 = quantize(model, await minmax(model, rows), options);
      using again = await load(int8.toBytes());
      expect(again.runSync(rows)).toEqual(int8.runSync(rows));
    }
    const direct = new MLP([
      residual([{ ...randomLinear(random, 4, 4, 'input.codes') }]),
      randomLinear(random, 4, 1),
    ]);
    using int8 = quantize(direct, await minmax(direct, rows));
    expect(sqnr(evaluateRows(direct, rows), int8.runSync(rows))).toBeGreaterThan(25);
  });

  it('softmax works on float32, wherever it stands', async () => {
    const model = new MLP([
      randomLinear(random, 4, 6, 'a'),
      softmax(),
      randomLinear(random, 6, 2, 'b'),
      softmax(),
    ]);
    const ranges = await minmax(model, rows);
    for (const output of ['float32', 'int8', 'uint8'] as const) {
      using int8 = quantize(model, ranges, { output });
      expect(sqnr(evaluateRows(model, rows), int8.runSync(rows))).toBeGreaterThan(25);
    }
  });
});

describe('layer norm', () => {
  const random = new Seeded(167);
  const rows = random.normals(6 * 200);
  /** Before the first layer, behind one with a clamp after it, inside of a residual, between codes, at the end. */
  const model = new MLP([
    { ...randomLayerNorm(random, 6), name: 'first' },
    randomLinear(random, 6, 33, 'a'),
    { ...randomLayerNorm(random, 33), name: 'n' },
    relu(),
    residual([{ ...randomLayerNorm(random, 33), name: 'pre' }, randomLinear(random, 33, 33, 'b')]),
    randomLinear(random, 33, 17, 'c'),
    { ...randomLayerNorm(random, 17), name: 'last' },
  ]);

  it.each([
    [{}, 30],
    [{ activations: 'symmetric' }, 25],
    [{ output: 'int8' }, 30],
    [{ output: 'uint8' }, 30],
    [{ mode: 'dynamic' }, 30],
    [{ mode: 'weight-only' }, 35],
    [{ layers: { b: { mode: 'dynamic' } } }, 30],
  ] as [QuantizeOptions, number][])(
    'is near float64 with %o, saved and loaded too',
    async (options, least) => {
      using int8 = quantize(model, await minmax(model, rows), options);
      const y = int8.runSync(rows);
      expect(sqnr(evaluateRows(model, rows), y)).toBeGreaterThan(least);
      using again = await load(int8.toBytes());
      expect(again.runSync(rows)).toEqual(y);
      expect(again.toBytes()).toEqual(int8.toBytes());
    },
  );

  it('reads codes that are there, writes codes that are wanted, and a clamp behind it is free', async () => {
    using int8 = quantize(model, await minmax(model, rows));
    expect(operators(int8)).toEqual([
      'first:layerNorm',
      'a:linear',
      'n:layerNorm',
      'pre:layerNorm',
      'b:linear',
      '4:add',
      'c:linear',
      'last:layerNorm',
    ]);
    expect(value(int8, 'a')).toMatchObject({ dtype: 'float32' });
    expect(value(int8, '3')).toMatchObject({ dtype: 'uint8', zeroPoint: 0 });
    expect(value(int8, 'pre')).toMatchObject({ dtype: 'uint8' });
    const bytes = Object.fromEntries(int8.stages.map((stage) => [stage.name, stage.bytes]));
    expect(bytes).toMatchObject({ first: 2 * 6 * 4, n: 2 * 33 * 4 });
  });

  it('a NaN or Infinity that meets codes behind it is ERR_NAN_INPUT', async () => {
    using int8 = quantize(model, await minmax(model, rows));
    using zero = quantize(model, await minmax(model, rows), { onNaN: 'zero' });
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const x = rows.slice(0, 12);
      x[7] = bad;
      expectError(() => int8.runSync(x), 'ERR_NAN_INPUT', /row 1/);
      expect(zero.runSync(x).every(Number.isFinite)).toBe(true);
    }
  });
});

describe('weight scales that a layer brings', () => {
  it('are kept, in every mode, per tensor or per channel', async () => {
    const random = new Seeded(163);
    const rows = random.normals(4 * 50);
    for (const scale of [Float32Array.of(0.03), Float32Array.from({ length: 5 }, (_, n) => 0.02 + n / 100)]) {
      const model = new MLP([
        { ...randomLinear(random, 4, 5, 'a'), quantization: { scale } },
        randomLinear(random, 5, 2, 'b'),
      ]);
      const ranges = await minmax(model, rows);
      for (const mode of ['static', 'dynamic', 'weight-only'] as const) {
        for (const made of [
          quantize(model, ranges, { mode, weights: 'per-tensor' }),
          quantize((await load(model.toBytes())) as MLP, ranges, { mode }),
        ]) {
          expect(takeApart(made.toBytes()).tensors.get('a.weight_scale')!.data).toEqual(scale);
        }
      }
      const given = Float32Array.of(0.5);
      const option = quantize(model, ranges, { layers: { a: { scale: given } } });
      expect(takeApart(option.toBytes()).tensors.get('a.weight_scale')!.data).toEqual(given);
    }
  });

  it('are raised only where the bias would not fit', async () => {
    const layer = linear({
      inFeatures: 1,
      outFeatures: 2,
      weight: Float32Array.of(1, 1),
      bias: Float32Array.of(1e6, 1),
      name: 'a',
    });
    const model = new MLP([{ ...layer, quantization: { scale: Float32Array.of(0.01, 0.01) } }]);
    const ranges = {
      ...(await minmax(model, Float32Array.of(1))),
      ranges: { input: { min: 0, max: 2.55e-4 }, a: { min: 0, max: 1 } },
    } as Calibration;
    const scale = takeApart(quantize(model, ranges).toBytes()).tensors.get('a.weight_scale')!.data;
    expect(scale[1]).toBe(Math.fround(0.01));
    const sx = Math.fround(2.55e-4 / 255);
    expect(scale[0]).toBe(Math.fround(1e6 / (sx * 2 ** 30)));
  });
});

describe("inputs: 'per-feature'", () => {
  const random = new Seeded(164);
  const sizes = [1e-3, 1, 50, 1e4, 3];
  const rows = Float32Array.from({ length: 5 * 400 }, (_, i) => sizes[i % 5]! * (random.normal() + (i % 3)));
  const first = linear({
    inFeatures: 5,
    outFeatures: 8,
    weight: Float32Array.from({ length: 40 }, (_, i) => random.normal() / sizes[i % 5]!),
    bias: random.normals(8),
  });

  it('serves raw tabular columns', async () => {
    const model = new MLP([first, relu(), randomLinear(random, 8, 3)]);
    const ranges = await minmax(model, rows);
    const reference = evaluateRows(model, rows);
    using one = quantize(model, ranges);
    using each = quantize(model, ranges, { inputs: 'per-feature' });
    expect(sqnr(reference, one.runSync(rows))).toBeLessThan(10);
    expect(sqnr(reference, each.runSync(rows))).toBeGreaterThan(25);
    expect(each.input).toMatchObject({ dtype: 'uint8', features: 5 });
    expect(each.input.scale).toHaveLength(5);
    using again = await load(each.toBytes());
    expect(again.runSync(rows)).toEqual(each.runSync(rows));
    const { scale, zeroPoint } = each.input;
    const codes = Uint8Array.from(rows, (x, i) =>
      Math.min(Math.max(Math.round(x / scale![i % 5]!) + zeroPoint!, 0), 255),
    );
    expect(each.runSync(codes)).toEqual(each.runSync(rows));
  });

  it('is ERR_UNSUPPORTED where another operator reads the codes', async () => {
    for (const layers of [
      [tanh(), first],
      [
        concat([[first], [linear({ inFeatures: 5, outFeatures: 2 })], []]),
        linear({ inFeatures: 15, outFeatures: 1 }),
      ],
      [
        residual([first, linear({ inFeatures: 8, outFeatures: 5 })]),
        linear({ inFeatures: 5, outFeatures: 1 }),
      ],
    ]) {
      const model = new MLP(layers);
      const ranges = await minmax(model, rows);
      expectError(() => quantize(model, ranges, { inputs: 'per-feature' }), 'ERR_UNSUPPORTED', /per-feature/);
    }
  });

  it('goes with two static layers that read the input', async () => {
    const model = new MLP([concat([[first], [{ ...first, name: 'twin' }]]), randomLinear(random, 16, 2)]);
    using int8 = quantize(model, await minmax(model, rows), { inputs: 'per-feature' });
    expect(sqnr(evaluateRows(model, rows), int8.runSync(rows))).toBeGreaterThan(25);
  });
});

describe('quantizing never fails on finite weights', () => {
  const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;
  const anySize = fc.oneof(
    { weight: 3, arbitrary: fc.float({ min: -4, max: 4, noNaN: true }) },
    { weight: 1, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        0,
        -0,
        2 ** -149,
        -(2 ** -140),
        2 ** -126,
        1e-30,
        1e-20,
        1e20,
        -1e30,
        FLOAT32_MAX,
        -FLOAT32_MAX,
      ),
    },
  );
  const floats = (length: number) =>
    fc.array(anySize, { minLength: length, maxLength: length }).map((a) => Float32Array.from(a));
  const layer = (inFeatures: number, outFeatures: number, name: string): fc.Arbitrary<Layer> =>
    fc
      .tuple(floats(inFeatures * outFeatures), fc.option(floats(outFeatures), { nil: false }))
      .map(([weight, bias]) => linear({ inFeatures, outFeatures, weight, bias, name }));
  const activation = fc.constantFrom(...Object.values(ACTIVATIONS));
  const models = fc
    .tuple(layer(2, 3, 'a'), layer(3, 3, 'b'), layer(3, 2, 'c'), activation, activation, fc.boolean())
    .map(([a, b, c, f, g, nested]) => (nested ? [a, f(), residual([b, g()]), c] : [a, f(), b, g(), c]));
  const options: fc.Arbitrary<QuantizeOptions> = fc.record({
    mode: fc.constantFrom('static', 'static', 'dynamic', 'weight-only'),
    rounding: fc.constantFrom('half-up', 'half-even', 'gemmlowp', 'float32'),
    weights: fc.constantFrom('per-channel', 'per-tensor'),
    activations: fc.constantFrom('asymmetric', 'symmetric'),
    inputs: fc.constantFrom('per-tensor', 'per-tensor', 'per-feature'),
    output: fc.constantFrom('float32', 'int8', 'uint8'),
  });

  it('of any size, and what comes out can be saved, loaded and run', async () => {
    let quantized = 0;
    await fc.assert(
      fc.asyncProperty(models, floats(8), options, async (layers, rows, wish) => {
        using model = new MLP(layers);
        const ranges = await minmax(model, rows).catch((error: RequantError) => {
          if (error.code === 'ERR_NAN_INPUT') return undefined; // Infinity − Infinity in the float model itself
          throw error;
        });
        if (ranges === undefined) return;
        using int8 = quantize(model, ranges, wish);
        using again = await load(int8.toBytes());
        expectSameBytes(again.toBytes(), int8.toBytes());
        const run = (m: typeof again) => {
          try {
            return m.runSync(rows);
          } catch (error) {
            // Infinity − Infinity between float layers; static layers see codes only.
            if (error instanceof RequantError && error.code === 'ERR_NAN_INPUT' && wish.mode !== 'static')
              return error.code;
            throw error;
          }
        };
        expect(run(again)).toEqual(run(int8));
        quantized++;
      }),
      { numRuns: 1500, seed: 165 },
    );
    expect(quantized).toBeGreaterThan(500);
  });

  it('that are all zero: the output is the bias', async () => {
    const model = new MLP([
      linear({ inFeatures: 2, outFeatures: 2, weight: new Float32Array(4) }),
      sigmoid(),
      linear({ inFeatures: 2, outFeatures: 1, weight: new Float32Array(2), bias: Float32Array.of(0.75) }),
    ]);
    using int8 = quantize(model, await minmax(model, Float32Array.of(1, 2)));
    expect(int8.runSync(Float32Array.of(5, 6))[0]).toBeCloseTo(0.75, 2);
  });
});
