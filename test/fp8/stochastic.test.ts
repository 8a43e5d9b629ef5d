import { describe, expect, test } from 'vitest';
import { gridValues } from '../../lib/fp8/format';
import { roundStochastic } from '../../lib/fp8/stochastic';

const N = 20_000;
const mean = (x: Float32Array): number => x.reduce((a, b) => a + b, 0) / x.length;

describe('roundStochastic', () => {
  test.each([0.3, 0.5, -0.01, 2.75, -3.125])('%f: the mean is the value', (value) => {
    const rounded = roundStochastic(new Float32Array(N).fill(value), 1, { seed: 3 });
    const low = Math.floor(value);
    const f = Math.fround(value) - low;
    expect(new Set(rounded)).toEqual(new Set([low, low + 1]));
    expect(Math.abs(mean(rounded) - value)).toBeLessThan(4 * Math.sqrt((f * (1 - f)) / N));
  });

  test.each([0.3, -1.37, 5e-4, 14.9])(
    '%f in 3M4E: neighbours of the cell, the mean is the value',
    (value) => {
      const format = { mantissa: 3, exponent: 4, max: 15 };
      const rounded = roundStochastic(new Float32Array(N).fill(value), format, { seed: 4 });
      const grid = [...gridValues(format)].map(Math.fround);
      const neighbours = [...new Set(rounded)].map(Math.abs).sort((a, b) => a - b);
      expect(neighbours).toHaveLength(2);
      const at = grid.findIndex((g) => g >= Math.abs(value));
      expect(neighbours).toEqual([grid[at - 1], grid[at]]);
      const step = neighbours[1]! - neighbours[0]!;
      const f = (Math.abs(value) - neighbours[0]!) / step;
      expect(Math.abs(mean(rounded) - value)).toBeLessThan(4 * step * Math.sqrt((f * (1 - f)) / N) + 1e-6);
    },
  );

  test('what is on the grid stays; a format clips', () => {
    expect([...roundStochastic(Float32Array.of(0, 1, -2, 128), 0.5)]).toEqual([0, 1, -2, 128]);
    const format = { mantissa: 3, exponent: 4, max: 15 };
    const grid = Float32Array.from(gridValues({ ...format, max: 15 }));
    expect(roundStochastic(grid, format)).toEqual(grid);
    expect([...roundStochastic(Float32Array.of(16, -Infinity), format)]).toEqual([15, -15]);
  });

  test('NaN and Infinity stay on a step', () => {
    expect([...roundStochastic(Float32Array.of(Number.NaN, Infinity, -Infinity), 1)]).toEqual([
      Number.NaN,
      Infinity,
      -Infinity,
    ]);
  });

  test('the same numbers whatever the split into calls', () => {
    const x = Float32Array.from({ length: 101 }, (_, i) => i / 7);
    const whole = roundStochastic(x, 1, { seed: 9 });
    const parts = [x.subarray(0, 30), x.subarray(30)].map((part, i) =>
      roundStochastic(part, 1, { seed: 9, first: 30 * i }),
    );
    expect([...parts[0]!, ...parts[1]!]).toEqual([...whole]);
    expect(roundStochastic(x, 1, { seed: 10 })).not.toEqual(whole);
  });

  test.each([
    [0, {}],
    [Infinity, {}],
    [{ mantissa: 3, exponent: 4, max: -1 }, {}],
    [1, { seed: -1 }],
    [1, { first: 0.5 }],
  ])('bad input %#: ERR_ARGUMENT', (grid, options) => {
    expect(() => roundStochastic(Float32Array.of(1), grid, options)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT' }),
    );
  });
});
