import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_MULTIPLIER, multiplierFromScale } from '../../lib/quantization/multiplier';
import { expectError } from '../support/errors';

const one = (scale: number) => {
  const { multiplier, shift } = multiplierFromScale(scale);
  return [multiplier[0]!, shift[0]!];
};

describe('multiplierFromScale', () => {
  it.each([
    [1, 2 ** 30, 30],
    [0.5, 2 ** 30, 31],
    [0.75, 3 * 2 ** 29, 31],
    [2 ** -8, 2 ** 30, 38],
    [32, 2 ** 30, 25],
    [64 - 2 ** -18, (2 ** 24 - 1) * 128, 25], // the largest float32 below 64
    [2 ** -33, 2 ** 30, 63],
    [2 ** -33 * (1 - 2 ** -24), 0, 63],
    [2 ** -149, 0, 63],
    [0, 0, 63],
    [-0, 0, 63],
  ])('%d → %d · 2^−%d', (scale, multiplier, shift) => {
    expect(one(scale)).toEqual([multiplier, shift]);
  });

  it('is exact for every float32 in [2^−33, 64)', () => {
    fc.assert(
      fc.property(
        fc.float({ min: 2 ** -33, max: MAX_MULTIPLIER, maxExcluded: true, noNaN: true }),
        (scale) => {
          const [m, s] = one(scale) as [number, number];
          expect(m * 2 ** -s).toBe(scale);
          expect(m).toBeGreaterThanOrEqual(2 ** 30);
          expect(m).toBeLessThanOrEqual(2 ** 31 - 1);
          expect(s >= 25 && s <= 63).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('takes arrays, and rounds a number to float32', () => {
    const { multiplier, shift } = multiplierFromScale(Float32Array.of(1, 0, 0.5));
    expect([...multiplier]).toEqual([2 ** 30, 0, 2 ** 30]);
    expect([...shift]).toEqual([30, 63, 31]);
    expect(one(0.1)).toEqual(one(Math.fround(0.1)));
    expect(multiplierFromScale(new Float32Array(0)).multiplier).toEqual(new Int32Array(0));
  });

  it.each([64, 1e10, Infinity, -Infinity, Number.NaN, -1, -(2 ** -149), 63.9999999])(
    'refuses %d',
    (scale) => {
      expectError(() => multiplierFromScale(scale), 'ERR_ARGUMENT', /\[0, 64\)/);
      expectError(() => multiplierFromScale(Float32Array.of(1, scale)), 'ERR_ARGUMENT');
    },
  );

  it('refuses other types', () => {
    for (const scale of [[1], '1', null, undefined, new Float64Array(1)]) {
      expectError(() => multiplierFromScale(scale as unknown as number), 'ERR_DTYPE');
    }
  });
});
