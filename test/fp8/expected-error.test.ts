import { describe, expect, test } from 'vitest';
import { type Density, density, gaussian, studentT, uniform } from '../../lib/fp8/densities';
import { bestMax, expectedError, expectedProductError, type GridFormat } from '../../lib/fp8/expected-error';
import { gridValues } from '../../lib/fp8/format';
import { Random } from '../../lib/random';

const FORMATS: Record<string, GridFormat> = {
  '2M5E': { mantissa: 2, exponent: 5 },
  '3M4E': { mantissa: 3, exponent: 4 },
  '4M3E': { mantissa: 4, exponent: 3 },
  '5M2E': { mantissa: 5, exponent: 2 },
  INT8: { bits: 8 },
};

/** −10·log10(MSE) at the best max (Kuzmin et al. 2022, recomputed from the formulas). */
const TABLE: readonly [string, Density, readonly number[]][] = [
  ['U[-1, 1]', uniform(), [31.68, 37.51, 43.43, 49.26, 52.9]],
  ['N(0, 1)', gaussian(), [25.58, 31.56, 37.56, 42.67, 40.57]],
  ['t, 8 degrees', studentT({ degrees: 8 }), [24.31, 30.29, 36.27, 37.18, 33.16]],
  ['t, 5 degrees', studentT({ degrees: 5 }), [23.34, 29.32, 34.91, 30.41, 26.87]],
  ['t, 2 degrees', studentT({ degrees: 2 }), [16.66, 22.64, 28.35, 18.84, 13.11]],
];

describe('the table of the paper', () => {
  test.each(TABLE)('%s: every cell within .02 dB, and the winner', (_, d, row) => {
    const found = Object.values(FORMATS).map((format) => bestMax(d, format).error.decibels);
    row.forEach((decibels, i) => {
      expect(Math.abs(found[i]! - decibels)).toBeLessThan(0.02);
    });
    expect(found.indexOf(Math.max(...found))).toBe(row.indexOf(Math.max(...row)));
  });

  test.each([
    ['U[-1, 1]', '5M2E', 0.994],
    ['U[-1, 1]', 'INT8', 0.996],
    ['N(0, 1)', '5M2E', 4.352],
    ['N(0, 1)', 'INT8', 3.907],
    ['t, 8 degrees', '4M3E', 21.37],
    ['t, 8 degrees', '5M2E', 10.15],
    ['t, 8 degrees', 'INT8', 8.288],
  ])('%s, %s: best max %f', (name, format, max) => {
    const d = TABLE.find(([n]) => n === name)![1];
    expect(bestMax(d, FORMATS[format]!).max / max).toBeCloseTo(1, 2);
  });

  test('6M1E equals the codes -127…127', () => {
    const { max, error } = bestMax(gaussian(), { mantissa: 6, exponent: 1 });
    expect(error.decibels).toBeCloseTo(40.54, 1);
    expect(max).toBeCloseTo(3.92, 1);
  });
});

describe('expectedError', () => {
  test('rounding and clipping make up the error; the second moment is the variance', () => {
    const e = expectedError(gaussian({ deviation: 2 }), { bits: 8 }, 6);
    expect(e.rounding + e.clipping).toBe(e.mse);
    // Inside, s²/12 of what is not clipped.
    expect(e.rounding / ((6 / 127) ** 2 / 12)).toBeCloseTo(0.9973, 3);
    expect(e.secondMoment).toBeCloseTo(4, 10);
    expect(expectedError(uniform(), { bits: 8 }, 2).clipping).toBe(0);
  });

  test('any pdf: a given one equals the ready one, normalized or not', () => {
    const mine = density({ pdf: (x) => 7 * Math.exp((-x * x) / 2), min: -10, max: 10 });
    const [a, b] = [mine, gaussian()].map((d) => expectedError(d, { mantissa: 4, exponent: 3 }, 5));
    expect(a!.mse / b!.mse).toBeCloseTo(1, 9);
  });

  test('a skewed density meets both sides of the grid', () => {
    const d = density({ pdf: (x) => x, min: 0, max: 3 });
    const e = expectedError(d, { bits: 4 }, 3);
    expect(e.secondMoment).toBeCloseTo(4.5, 10);
    expect(e.rounding).toBeCloseTo((3 / 7) ** 2 / 12, 3);
  });

  test('the mass of what was clipped counts', () => {
    const d = studentT({ degrees: 2 });
    expect(d.massAtMax).toBeCloseTo((1 - 100 / Math.sqrt(10002)) / 2, 12);
    const near = expectedError(d, { bits: 8 }, 90);
    expect(near.clipping).toBeGreaterThan(1.9 * d.massAtMax * 100);
  });

  test.each([
    () => expectedError(uniform(), { bits: 1 }, 1),
    () => expectedError(uniform(), { bits: 8 }, 0),
    () => expectedError(uniform(), { bits: 8 }, Number.NaN),
    () => uniform(1, 1),
    () => uniform(0, Infinity),
    () => gaussian({ deviation: 0 }),
    () => studentT({ degrees: -1 }),
    () => density({ pdf: () => 0, min: 0, max: 1 }),
    () => density({ pdf: () => Number.NaN, min: 0, max: 1 }),
    () => density({ pdf: 5 as unknown as () => number, min: 0, max: 1 }),
  ])('bad input %#: ERR_ARGUMENT', (call) => {
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  });
});

describe('a dot product', () => {
  const formats = Object.entries(FORMATS);

  test.each(formats)('%s: 3.01 dB below its factors', (_, format) => {
    const { error } = bestMax(gaussian(), format);
    const factor = 10 * Math.log10(error.secondMoment / error.mse);
    expect(factor - expectedProductError(error, error).sqnrDb).toBeCloseTo(3.01, 1);
  });

  test.each([
    ['fine', { mantissa: 4, exponent: 3 }, 8, { bits: 8 }, 5],
    ['coarse: every term counts', { bits: 3 }, 1.5, { mantissa: 1, exponent: 2 }, 1],
  ] as const)('the formula against simulation, %s', (_, formatX, maxX, formatY, maxY) => {
    const d = gaussian();
    const x = expectedError(d, formatX, maxX);
    const y = expectedError(d, formatY, maxY);
    const [gridX, gridY] = [simulatedGrid(formatX, maxX), simulatedGrid(formatY, maxY)];
    const draw = normals(7);
    const [products, length] = [40_000, 16];
    let sum = 0;
    for (let i = 0; i < products; i++) {
      let error = 0;
      for (let k = 0; k < length; k++) {
        const [a, b] = [draw(), draw()];
        error += nearest(gridX, a) * nearest(gridY, b) - a * b;
      }
      sum += error * error;
    }
    const simulated = sum / products;
    // Four standard errors of a mean of squares of nearly normal numbers.
    const expected = length * expectedProductError(x, y).mse;
    expect(Math.abs(simulated / expected - 1)).toBeLessThan(4 * Math.sqrt(2 / products));
  });
});

function simulatedGrid(format: GridFormat, max: number): number[] {
  if ('bits' in format) {
    const half = 2 ** (format.bits - 1);
    return Array.from({ length: 2 * half }, (_, i) => ((i - half) * max) / (half - 1));
  }
  const positive = [...gridValues({ ...format, max })];
  return [
    ...positive
      .slice(1)
      .map((v) => -v)
      .reverse(),
    ...positive,
  ];
}

function nearest(grid: readonly number[], x: number): number {
  return grid.reduce((best, g) => (Math.abs(g - x) < Math.abs(best - x) ? g : best));
}

/** Standard normal numbers, by Box and Muller. */
function normals(seed: number): () => number {
  const random = new Random(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
}
