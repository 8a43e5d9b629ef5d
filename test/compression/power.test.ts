import { expect, it } from 'vitest';
import { power } from '../../lib/compression/power';

it.each([0, 2 ** -24, 0.25, 0.5, 0.55, 0.7, 0.999, 1 - 2 ** -26, 1])('x^%d', (p) => {
  for (const x of [1e-30, 0.01, 0.5, 1, 3, 1e20]) expect(power(x, p) / x ** p).toBeCloseTo(1, 5);
});

it('is exact for halves and quarters of squares', () => {
  expect(power(16, 0.5)).toBe(4);
  expect(power(16, 0.25)).toBe(2);
  expect(power(16, 0.75)).toBe(8);
  expect(power(7, 0)).toBe(1);
});
