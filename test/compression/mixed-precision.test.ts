import { beforeAll, describe, expect, it } from 'vitest';
import { mixedPrecision } from '../../lib/compression/mixed-precision';
import { sensitivity } from '../../lib/compression/sensitivity';
import { type Calibration, calibrate, linear, MLP, quantize, relu } from '../../lib/index';
import { expectRejection } from '../support/errors';
import { randomLinear } from '../support/models';
import { Seeded } from '../support/random';

const random = new Seeded(1501);
const rows = random.normals(10 * 500);
const model = new MLP([
  randomLinear(random, 10, 24, 'a'),
  relu(),
  randomLinear(random, 24, 24, 'b'),
  relu(),
  randomLinear(random, 24, 6, 'c'),
]);
const narrow = { bits: 2, weights: 'per-tensor' } as const;
let calibration: Calibration;

beforeAll(async () => {
  calibration = await calibrate(model, rows, { method: 'minmax' });
});

const drop = (float: MLP) => {
  using quantized = quantize(float, calibration, narrow);
  const [y, reference] = [quantized.runSync(rows), float.runSync(rows)];
  const top = (values: Float32Array, i: number) => {
    const row = [...values.subarray(6 * i, 6 * i + 6)];
    return row.indexOf(Math.max(...row));
  };
  return (
    Array.from({ length: 500 }, (_, i) => Number(top(y, i) !== top(reference, i))).reduce((a, b) => a + b) / 5
  );
};
const wishes = (float: MLP) =>
  Object.fromEntries(float.layers.flatMap(({ name, quantization: q }) => (q ? [[name, q]] : [])));

describe('mixedPrecision', () => {
  it('the worst layers stay float until the drop holds, and no more', async () => {
    expect(drop(model)).toBeGreaterThan(30);
    const worst = (await sensitivity(model, calibration, { quantize: narrow })).map(({ layer }) => layer);
    let before = 0;
    for (const maxDrop of [100, 35, 10, 0]) {
      const mixed = await mixedPrecision(model, calibration, { maxDrop, quantize: narrow });
      expect(drop(mixed)).toBeLessThanOrEqual(maxDrop);
      const kept = Object.keys(wishes(mixed));
      expect(kept.length).toBeGreaterThanOrEqual(before);
      expect(kept.sort()).toEqual(worst.slice(0, kept.length).sort());
      expect(mixed.graph.record).toMatchObject([{ step: 'mixedPrecision', maxDrop, drop: drop(mixed) }]);
      before = kept.length;
    }
    expect(before).toBe(3);
    expect(wishes(model)).toEqual({});
  });

  it('or keep int8 weights alone, before they become float', async () => {
    const options = { fallback: 'weight-only', quantize: narrow } as const;
    const some = await mixedPrecision(model, calibration, { ...options, maxDrop: 5 });
    expect(Object.values(wishes(some))).toContainEqual({ format: 'int8', bits: 8, mode: 'weight-only' });
    expect(drop(some)).toBeLessThanOrEqual(5);
    const loaded = await MLP.load(some.toBytes());
    expect(wishes(loaded)).toEqual(wishes(some));
    expect(drop(await mixedPrecision(model, calibration, { ...options, maxDrop: 0 }))).toBe(0);
  });

  it('judges on more rows than fit in one run', async () => {
    const many = new Seeded(1502).normals(10 * 5000);
    const mixed = await mixedPrecision(model, calibration, {
      maxDrop: 5,
      data: { inputs: many },
      quantize: narrow,
    });
    expect((mixed.graph.record[0] as { drop?: number }).drop).toBeLessThanOrEqual(5);
    expect(Object.keys(wishes(mixed)).length).toBeGreaterThan(0);
  });

  it('judges by labels where there are some', async () => {
    const labels = Uint8Array.from({ length: 500 }, () => 5);
    const mixed = await mixedPrecision(model, calibration, {
      maxDrop: 1,
      data: { inputs: rows, labels },
      quantize: narrow,
    });
    expect((mixed.graph.record[0] as { drop?: number }).drop).toBeLessThanOrEqual(1);
  });

  it('refuses what it cannot use', async () => {
    const one = new MLP([linear({ inFeatures: 10, outFeatures: 1 })]);
    await expectRejection(mixedPrecision(one, calibration, { maxDrop: 1 }), 'ERR_ARGUMENT', /labels/);
    await expectRejection(mixedPrecision(model, calibration, { maxDrop: -1 }), 'ERR_ARGUMENT', /maxDrop/);
    await expectRejection(mixedPrecision(model, calibration, undefined as never), 'ERR_ARGUMENT');
    await expectRejection(
      mixedPrecision(model, calibration, { maxDrop: 1, fallback: 'int4' as never }),
      'ERR_ARGUMENT',
      /fallback/,
    );
    await expectRejection(mixedPrecision({} as MLP, calibration, { maxDrop: 1 }), 'ERR_MODEL_KIND');
  });
});
