import { expect, it } from 'vitest';
import { layersOf, MODELS, macsOf, rowsOf } from '../../bench/models.mjs';

it('names are unique, widths and batches positive', () => {
  expect(new Set(MODELS.map(({ name }) => name)).size).toBe(MODELS.length);
  for (const { widths, batches } of MODELS) {
    expect(Math.min(...widths, ...batches)).toBeGreaterThan(0);
    expect(widths.length).toBeGreaterThan(1);
  }
});

it('macsOf counts one row', () => {
  expect(macsOf([784, 128, 10])).toBe(784 * 128 + 128 * 10);
});

it('weights and rows are the same in every run, and a small batch is the start of a large one', () => {
  expect(layersOf([3, 2, 1])).toEqual(layersOf([3, 2, 1]));
  expect(layersOf([3, 2, 1]).map(({ weight, bias }) => [weight.length, bias.length])).toEqual([
    [6, 2],
    [2, 1],
  ]);
  expect(rowsOf(5, 3, 2).subarray(0, 6)).toEqual(rowsOf(2, 3, 2));
  expect(rowsOf(5, 3, 2)).not.toEqual(rowsOf(5, 3, 3));
});
