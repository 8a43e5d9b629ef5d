import { describe, expect, it } from 'vitest';
import { gradients, quantizeFp8 } from '../../../lib/fp8';
import { stepSlope } from '../../../lib/fp8/gradients';
import { clippedGradient } from '../../../lib/training/qat/fp8';
import { Seeded } from '../../support/random';

describe('clippedGradient', () => {
  it.each([
    { mantissa: 3, exponent: 4, max: 1.5 },
    { mantissa: 2, exponent: 5, max: 0.7 },
    { mantissa: 5, exponent: 2, max: 2 },
  ])('%o: the sums of the gradients of each value', (format) => {
    const x = new Seeded(8).normals(300);
    const given = new Seeded(9).normals(300);
    const each = gradients(x, format);
    const dx = given.slice();
    const { inside, outside } = clippedGradient(x, quantizeFp8(x, format), format.max, dx);
    const sum = (g: Float64Array) => g.reduce((total, value, i) => total + value * given[i]!, 0);
    expect(inside / format.max + outside).toBeCloseTo(sum(each.max), 5);
    expect(inside * stepSlope(format)).toBeCloseTo(sum(each.mantissa), 4);
    expect([...dx]).toEqual([...given].map((g, i) => g * each.x[i]! + 0));
  });
});
