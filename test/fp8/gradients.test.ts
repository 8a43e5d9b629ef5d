import { describe, expect, test } from 'vitest';
import { gradients } from '../../lib/fp8/gradients';
import { Random } from '../../lib/random';

/** b = 2^E − log2 c + log2(2 − 2^−M) − 1 with E = 7 − M. */
const bias = (M: number, c: number): number => 2 ** (7 - M) - Math.log2(c) + Math.log2(2 - 2 ** -M) - 1;

/** xc + S(c, M)·δ with p and δ = rne(xc/S) − xc/S frozen where it was made. */
function surrogate(x: number, M: number, c: number) {
  const clip = (y: number, max: number) => Math.min(Math.max(y, -max), max);
  const p = Math.max(Math.floor(Math.log2(Math.abs(clip(x, c))) + bias(M, c)), 1);
  const step = (m: number, max: number) => 2 ** (p - m - bias(m, max));
  const position = clip(x, c) / step(M, c);
  const delta = Math.abs(x) > c ? 0 : rne(position) - position;
  return (y: number, m: number, max: number) => clip(y, max) + step(m, max) * delta;
}

function rne(x: number): number {
  const low = Math.floor(x);
  return x - low > 0.5 || (x - low === 0.5 && low % 2 !== 0) ? low + 1 : low;
}

describe('gradients', () => {
  const random = new Random(5);
  const values = Float32Array.from({ length: 300 }, () => 3 * (random.uniform() * 2 - 1) ** 3);

  test.each([1, 2, 3, 4, 5, 6])('M = %i: finite differences of the frozen surrogate', (M) => {
    const c = 1.37;
    const found = gradients(values, { mantissa: M, exponent: 7 - M, max: c });
    const h = 1e-6;
    values.forEach((x, i) => {
      if (Math.abs(Math.abs(x) - c) < 2 * h) return;
      const f = surrogate(x, M, c);
      expect(Math.abs((f(x + h, M, c) - f(x - h, M, c)) / (2 * h) - found.x[i]!)).toBeLessThan(1e-6);
      expect(Math.abs((f(x, M, c + h) - f(x, M, c - h)) / (2 * h) - found.max[i]!)).toBeLessThan(1e-6);
      const slope = (f(x, M + h, c) - f(x, M - h, c)) / (2 * h);
      expect(Math.abs(slope - found.mantissa[i]!)).toBeLessThan(1e-6);
    });
    expect([...found.x].some((g) => g === 0)).toBe(true);
  });

  test('inside and outside', () => {
    const g = gradients(Float32Array.of(0, 5, -5, 1, -1), { mantissa: 3, exponent: 4, max: 1 });
    expect([...g.x]).toEqual([1, 0, 0, 1, 1]);
    expect([...g.max]).toEqual([0, 1, -1, 0, -0]);
    expect([...g.mantissa]).toEqual([0, 0, 0, 0, -0]);
  });

  test.each([
    { mantissa: 3, exponent: 5, max: 1 },
    { mantissa: 3.5, exponent: 3, max: 1 },
    { mantissa: 7, exponent: 0, max: 1 },
    { mantissa: 3, exponent: 4, max: 0 },
    { mantissa: 3, exponent: 4, max: Infinity },
    undefined as never,
  ])('a bad format %#: ERR_ARGUMENT', (format) => {
    expect(() => gradients(Float32Array.of(1), format)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT' }),
    );
  });

  test('no floats: ERR_DTYPE', () => {
    const call = () => gradients([1] as unknown as Float32Array, { mantissa: 3, exponent: 4, max: 1 });
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_DTYPE' }));
  });
});
