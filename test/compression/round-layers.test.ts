import { beforeAll, describe, expect, it } from 'vitest';
import { adaRound } from '../../lib/compression/adaround';
import { gptq } from '../../lib/compression/gptq';
import type { WeightGridOptions } from '../../lib/compression/weight-grid';
import {
  type Calibration,
  calibrate,
  linear,
  load,
  MLP,
  type QuantizedMLP,
  type QuantizeOptions,
  quantize,
  relu,
} from '../../lib/index';
import { expectRejection } from '../support/errors';
import { randomLinear } from '../support/models';
import { Seeded } from '../support/random';

const random = new Seeded(77);
const FEATURES = 40;

/** Inputs that move together, as real ones do: 8 sources, mixed, and some noise. */
const mixture = random.normals(8 * FEATURES);
function draw(rows: number): Float32Array {
  const x = random.normals(rows * FEATURES, 0.1);
  for (let r = 0; r < rows; r++) {
    const sources = random.normals(8);
    for (let k = 0; k < FEATURES; k++)
      sources.forEach((s, i) => {
        x[r * FEATURES + k]! += s * mixture[i * FEATURES + k]!;
      });
  }
  return x;
}

const model = new MLP([
  randomLinear(random, FEATURES, 50, 'a'),
  relu(),
  randomLinear(random, 50, 30, 'b'),
  relu(),
  randomLinear(random, 30, 7, 'c'),
]);
const rows = draw(600);
const unseen = draw(400);
let calibration: Calibration;

beforeAll(async () => {
  calibration = await calibrate(model, rows, { method: 'minmax' });
});

/** SQNR in dB of unseen rows. */
function sqnr(quantized: QuantizedMLP): number {
  const [y, reference] = [quantized.runSync(unseen), model.runSync(unseen)];
  const noise = y.reduce((sum, v, i) => sum + (v - reference[i]!) ** 2, 0);
  return 10 * Math.log10(reference.reduce((sum, v) => sum + v * v, 0) / noise);
}

type Method = (m: MLP, c: Calibration, o: WeightGridOptions) => Promise<MLP>;

describe.each<[string, Method]>([
  ['gptq', gptq],
  ['adaRound', (m, c, o) => adaRound(m, c, { ...o, iterations: 150 })],
])('%s', (step, method) => {
  const perTensor = { bits: 4, weights: 'per-tensor' } as const;
  const groups = { format: 'int4', groupSize: 32 } as const;
  const cases: [WeightGridOptions, QuantizeOptions, number][] = [
    [{ bits: 4 }, { bits: 4 }, 3],
    [perTensor, perTensor, 3],
    [{ bits: 3 }, { bits: 3, mode: 'dynamic' }, 3],
    // Groups follow the weights closely: rounding to nearest is good already.
    [groups, { ...groups, mode: 'weight-only' }, 0],
  ];
  it.each(cases)('%j, as %j: more than min-max by %i dB', async (grid, options, gain) => {
    const rounded = await method(model, calibration, grid);
    const { bits: _, format: __, groupSize: ___, ...rest } = options;
    expect(sqnr(quantize(rounded, calibration, rest))).toBeGreaterThan(
      sqnr(quantize(model, calibration, options)) + gain,
    );
  });

  it('the weights lie on the grid, so that weight-only int8 serves the float result', async () => {
    const rounded = await method(model, calibration, { bits: 4 });
    using quantized = quantize(rounded, null, { mode: 'weight-only' });
    const [y, reference] = [quantized.runSync(unseen), rounded.runSync(unseen)];
    y.forEach((v, i) => {
      expect(Math.abs(v - reference[i]!)).toBeLessThan(1e-4);
    });
  });

  it('leaves the model as it is, repeats itself, is in the record, and survives a file', async () => {
    const before = model.toBytes();
    const a = await method(model, calibration, { bits: 3 });
    const b = await method(model, calibration, { bits: 3 });
    expect(model.toBytes()).toEqual(before);
    expect(b.toBytes()).toEqual(a.toBytes());
    const loaded = (await load(a.toBytes())) as MLP;
    const [direct, again] = [a, loaded].map((m) => quantize(m, calibration).toBytes());
    expect(again).toEqual(direct);
    expect(loaded.graph.record.at(-1)).toMatchObject({ step, rows: 600, bits: 3, weights: 'per-channel' });
  });

  it('layers that wish for float32 stay', async () => {
    const mixed = new MLP(
      model.layers.map((layer) =>
        layer.name === 'b' ? { ...layer, quantization: { format: 'float32' as const } } : layer,
      ),
    );
    const rounded = await method(mixed, calibration, { bits: 4 });
    expect(rounded.layers[2]).toMatchObject({ quantization: { format: 'float32' } });
    expect((rounded.layers[2] as { weight?: Float32Array }).weight).toEqual(
      (model.layers[2] as { weight?: Float32Array }).weight,
    );
  });

  it('a layer’s own bits are stronger', async () => {
    const own = { format: 'int8', bits: 8, mode: 'weight-only' } as const;
    const mixed = new MLP(
      model.layers.map((layer) => (layer.name === 'b' ? { ...layer, quantization: own } : layer)),
    );
    const rounded = await method(mixed, calibration, { bits: 3 });
    expect(rounded.layers[2]!.quantization).toMatchObject(own);
    expect(rounded.layers[0]!.quantization).toMatchObject({ bits: 3 });
  });

  it('inputs that are always 0, weights that are all 0', async () => {
    const dark = rows.map((x, i) => (i % FEATURES < 5 ? 0 : x));
    const layers = [linear({ inFeatures: FEATURES, outFeatures: 3, weight: new Float32Array(3 * FEATURES) })];
    for (const m of [model, new MLP(layers)]) {
      const c = await calibrate(m, dark, { method: 'minmax' });
      const rounded = await method(m, c, { bits: 4 });
      expect(quantize(rounded, c).runSync(dark).every(Number.isFinite)).toBe(true);
    }
    const black = await calibrate(model, new Float32Array(FEATURES * 4), { method: 'minmax' });
    expect((await method(model, black, { bits: 4 })).runSync(unseen).every(Number.isFinite)).toBe(true);
  });

  it('bad input', async () => {
    const none = await calibrate(model, rows, { keepRows: 0, method: 'minmax' });
    await expectRejection(method(model, none, {}), 'ERR_ARGUMENT');
    await expectRejection(method(model, calibration, { bits: 5 as 4 }), 'ERR_ARGUMENT');
    await expectRejection(
      method(quantize(model, calibration) as unknown as MLP, calibration, {}),
      'ERR_MODEL_KIND',
    );
    const weight = new Float32Array(FEATURES).fill(Number.NaN);
    const broken = new MLP([linear({ inFeatures: FEATURES, outFeatures: 1, weight })]);
    await expectRejection(method(broken, calibration, {}), 'ERR_ARGUMENT');
  });
});

describe('options and job', () => {
  it('damping and iterations are checked', async () => {
    await expectRejection(gptq(model, calibration, { damping: 0 }), 'ERR_ARGUMENT');
    await expectRejection(adaRound(model, calibration, { iterations: 0 }), 'ERR_ARGUMENT');
    await expectRejection(gptq(model, calibration, { iterations: 3 } as object), 'ERR_ARGUMENT');
  });

  it('progress by layer, and abort', async () => {
    const seen: number[] = [];
    await gptq(model, calibration, { onProgress: ({ done, total }) => seen.push(done / total!) });
    expect(seen).toEqual([0, 1 / 3, 2 / 3, 1]);
    const controller = new AbortController();
    const running = adaRound(model, calibration, { iterations: 100_000, signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 30);
    await expect(running).rejects.toThrow('enough');
  });
});
