import { describe, expect, test } from 'vitest';
import { gaussian, studentT, uniform } from '../../lib/fp8/densities';
import { bestMax } from '../../lib/fp8/expected-error';
import { learnFormat } from '../../lib/fp8/learn';
import { Seeded } from '../support/random';

describe('learnFormat', () => {
  test.each([undefined, { mantissa: 4, exponent: 3, max: 15.5 }, { mantissa: 2, exponent: 5, max: 1 }])(
    'N(0, 1) from %j: 5M2E, c = 4.35 within 2 %%',
    async (start) => {
      const { mantissa, exponent, max, history } = await learnFormat(gaussian(), start && { start });
      expect([mantissa, exponent]).toEqual([5, 2]);
      expect(Math.abs(max / 4.35 - 1)).toBeLessThan(0.02);
      // Where the descent itself ends, not only the best it met.
      expect(Math.abs(history.at(-1)!.max / 4.35 - 1)).toBeLessThan(0.02);
      expect(history[0]!.mantissa).toBe(start?.mantissa ?? 4);
    },
  );

  test('a million draws of N(0, 1)', async () => {
    const draws = new Seeded(2).normals(1_000_000);
    const { mantissa, exponent, max } = await learnFormat(draws);
    expect([mantissa, exponent]).toEqual([5, 2]);
    expect(Math.abs(max / 4.35 - 1)).toBeLessThan(0.02);
  });

  test('the unit does not matter', async () => {
    const draws = new Seeded(3).normals(20_000);
    const [a, b] = [await learnFormat(draws), await learnFormat(draws.map((x) => x * 2 ** -30))];
    expect(b.mantissa).toBe(a.mantissa);
    expect(b.max * 2 ** 30).toBeCloseTo(a.max, 5);
  });

  test.each([
    ['U[-1, 1]', uniform(), 6],
    ['t of 5 degrees', studentT({ degrees: 5 }), 4],
  ] as const)('%s: %i bits of mantissa, near the best max', async (_, density, mantissa) => {
    const learned = await learnFormat(density);
    expect(learned.mantissa).toBe(mantissa);
    const { error } = bestMax(density, { mantissa, exponent: 7 - mantissa });
    expect(10 * Math.log10(learned.mse / error.mse)).toBeLessThan(0.25);
  });

  test('progress and abort', async () => {
    const draws = new Seeded(4).normals(1000);
    const seen: number[] = [];
    await learnFormat(draws, { steps: 3, onProgress: ({ done, total }) => seen.push(done / total!) });
    expect(seen).toEqual([1, 2, 3, 4, 5, 6].map((i) => i / 6));
    const controller = new AbortController();
    const running = learnFormat(draws, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });

  test.each([
    [Float32Array.of(0, 0), {}],
    [new Float32Array(0), {}],
    [Float32Array.of(1, Number.NaN), {}],
    [Float32Array.of(1, Infinity), {}],
    [Float32Array.of(1), { steps: 0 }],
    [Float32Array.of(1), { start: { mantissa: 4, exponent: 4 } }],
    [Float32Array.of(1), { start: { mantissa: 4, exponent: 3, max: 0 } }],
  ])('bad input %#: ERR_ARGUMENT', async (values, options) => {
    await expect(learnFormat(values, options)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  });
});
