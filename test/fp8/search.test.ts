import { describe, expect, it } from 'vitest';
import { quantizeFp8, searchFormat } from '../../lib/fp8';
import { expectError } from '../support/errors';
import { Seeded } from '../support/random';

const mse = (x: Float32Array, y: Float32Array) =>
  x.reduce((sum, v, i) => sum + (v - y[i]!) ** 2, 0) / x.length;

describe('searchFormat', () => {
  it('N(0, 1): 5M2E, near the best largest number 4.352 of the literature', () => {
    const x = new Seeded(3).normals(20_000);
    const found = searchFormat(x);
    expect([found.mantissa, found.exponent]).toEqual([5, 2]);
    expect(found.max[0]).toBeGreaterThan(4);
    expect(found.max[0]).toBeLessThan(4.8);
    expect(-10 * Math.log10(found.mse[0]!)).toBeCloseTo(42.67, 0);
  });

  it('uniform values: the longest mantissa', () => {
    const random = new Seeded(4);
    const x = Float32Array.from({ length: 5000 }, () => 2 * random.uniform() - 1);
    expect(searchFormat(x).mantissa).toBe(6);
  });

  it('a long tail: a longer exponent', () => {
    const random = new Seeded(5);
    const x = Float32Array.from({ length: 20_000 }, () => random.normal() / Math.abs(random.normal()));
    expect(searchFormat(x).mantissa).toBeLessThanOrEqual(3);
  });

  it('is what trying all of them gives', () => {
    const x = new Seeded(6).normals(3 * 50);
    const found = searchFormat(x, { rows: 3 });
    const rows = [0, 1, 2].map((row) => x.slice(50 * row, 50 * row + 50));
    const best = rows.map((row) => {
      const largest = row.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      const tried = [6, 5, 4, 3, 2, 1].flatMap((mantissa) =>
        Array.from({ length: 111 }, (_, i) => {
          const max = Math.fround(((10 + i) / 100) * largest);
          return {
            mantissa,
            max,
            mse: mse(row, quantizeFp8(row, { mantissa, exponent: 7 - mantissa, max })),
          };
        }),
      );
      return tried;
    });
    const votes = best.map((tried) => tried.reduce((a, b) => (b.mse < a.mse * (1 - 1e-12) ? b : a)).mantissa);
    const count = (m: number) => votes.filter((v) => v === m).length;
    const winner = [6, 5, 4, 3, 2, 1].reduce((a, b) => (count(b) > count(a) ? b : a));
    expect(found.mantissa).toBe(winner);
    best.forEach((tried, row) => {
      const own = tried
        .filter((t) => t.mantissa === winner)
        .reduce((a, b) => (b.mse < a.mse * (1 - 1e-12) ? b : a));
      expect(found.max[row]).toBe(own.max);
      expect(found.mse[row]).toBeCloseTo(own.mse, 12);
    });
  });

  it('zeros, one value, tiny values, nothing', () => {
    expect(searchFormat(new Float32Array(6), { rows: 2 }).max).toEqual(Float32Array.of(1, 1));
    const mixed = searchFormat(Float32Array.of(0, 0, 3, 1), { rows: 2 });
    expect(mixed.mse).toEqual(Float64Array.of(0, 0));
    expect(searchFormat(Float32Array.of(0.3)).max).toEqual(Float32Array.of(0.3));
    expect(searchFormat(new Float32Array(0)).mse).toEqual(Float64Array.of(0));
    expect(searchFormat(Float32Array.of(3e38, -3.4e38)).max[0]).toBeLessThan(3.41e38);
  });

  it('what it refuses', () => {
    expectError(() => searchFormat([1] as never), 'ERR_DTYPE');
    expectError(() => searchFormat(new Float32Array(5), { rows: 2 }), 'ERR_SHAPE');
    expectError(() => searchFormat(new Float32Array(5), { rows: 0 }), 'ERR_ARGUMENT');
    expectError(() => searchFormat(Float32Array.of(1, Number.NaN)), 'ERR_ARGUMENT');
    expectError(() => searchFormat(Float32Array.of(1, Number.POSITIVE_INFINITY)), 'ERR_ARGUMENT');
    expectError(() => searchFormat(new Float32Array(5), { channels: 2 } as never), 'ERR_ARGUMENT');
  });
});
