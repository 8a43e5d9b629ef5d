import { expect, it } from 'vitest';
import { Random } from '../../../lib/random';
import {
  alphaExponent,
  initialWeights,
  layerSpecs,
  rateExponent,
  shiftHalfEven,
} from '../../../lib/training/integer/recipe';

it('divides activations by the α of the paper’s code', () => {
  const alphas = [27, 1152, 1024, 8192].map((inFeatures) => 2 ** alphaExponent(inFeatures, 2));
  expect(alphas).toEqual([2, 16, 16, 32]);
  for (let n = 1; n < 40_000; n += 7) {
    for (const bits of [2, 4, 8]) {
      const ratio = (1.5 * 2 ** (1 - bits)) / Math.sqrt(3 / n);
      expect(alphaExponent(n, bits)).toBe(Math.max(Math.round(Math.log2(ratio)), 0));
    }
  }
});

it('draws weights within their bound', () => {
  for (const recipe of ['8-8-8-8', '2-8-8-8'] as const)
    for (const spec of layerSpecs([784, 100, 10, 2], recipe)) {
      const weights = initialWeights(spec, recipe, new Random(1));
      const unit = recipe === '2-8-8-8' ? 2 ** -7 : 2 ** (spec.exponent - spec.codeShift);
      const wished =
        recipe === '2-8-8-8'
          ? Math.max(Math.sqrt(3 / spec.inFeatures), 0.75)
          : Math.sqrt(6 / spec.inFeatures);
      const most = Math.max(...weights.map(Math.abs));
      expect(most).toBeLessThanOrEqual(spec.limit);
      expect(most * unit).toBeLessThanOrEqual(wished + unit);
      // Weights have room to grow to four times their first bound.
      if (recipe === '8-8-8-8') expect(2 ** (spec.exponent + 7)).toBeGreaterThanOrEqual(4 * wished);
      if (recipe === '8-8-8-8') expect(2 ** (spec.exponent + 6)).toBeLessThan(4 * wished);
    }
});

it('halves the rate after 40, 70 and 90 % of the epochs', () => {
  expect(Array.from({ length: 10 }, (_, i) => rateExponent(-2, i + 1, 10))).toEqual([
    -2, -2, -2, -2, -3, -3, -3, -4, -4, -5,
  ]);
});

it('rounds shifts half to even', () => {
  expect([1, 3, 5, -1, -3, 7].map((x) => shiftHalfEven(x, 1))).toEqual([0, 2, 2, 0, -2, 4]);
  expect(shiftHalfEven(-7, 0)).toBe(-7);
});
