import { expect, it } from 'vitest';
import { isWeightBits, maxWeightCode, WEIGHT_BITS } from '../../lib/quantization/bits';

it('2, 3, 4 and 8 bits, symmetric', () => {
  expect(WEIGHT_BITS.map(maxWeightCode)).toEqual([1, 3, 7, 127]);
  expect([2, 3, 4, 8, 1, 5, 16, '4', null].filter(isWeightBits)).toEqual([2, 3, 4, 8]);
});
