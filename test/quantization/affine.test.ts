import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asymmetricParams,
  MAX_SCALE,
  MIN_SCALE,
  roundHalfEven,
  symmetricParams,
} from '../../lib/quantization/affine';

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });
const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;

describe('roundHalfEven', () => {
  it.each([
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [-0.5, -0],
    [-1.5, -2],
    [-2.5, -2],
    [0.49999999999999994, 0], // the largest float64 below ½: adding ½ and flooring would give 1
    [-0.3, -0],
    [-0, -0],
    [0, 0],
    [2 ** 52 - 0.5, 2 ** 52],
    [2 ** 52 - 1.5, 2 ** 52 - 2],
    [-(2 ** 52) + 0.5, -(2 ** 52)],
    [2 ** 52 + 1, 2 ** 52 + 1],
    [2 ** 53 - 1, 2 ** 53 - 1],
    [-1e300, -1e300],
    [Infinity, Infinity],
    [-Infinity, -Infinity],
    [NaN, NaN],
    [5e-324, 0],
  ])('%d → %d', (x, rounded) => {
    expect(roundHalfEven(x)).toBe(rounded);
  });

  it('is the nearest integer, the even one on a tie', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (x) => {
        const r = roundHalfEven(x);
        const distance = Math.abs(x - r);
        expect(Number.isInteger(r)).toBe(true);
        expect(distance).toBeLessThanOrEqual(0.5);
        if (distance === 0.5) expect(Math.abs(r % 2)).toBe(0);
        expect(roundHalfEven(-x)).toBe(-r);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), (n) => {
        expect(roundHalfEven(n + 0.5) % 2 === 0).toBe(true);
      }),
    );
  });
});

describe('asymmetricParams', () => {
  it('agrees with the DynamicQuantizeLinear example of ONNX', () => {
    // [0, 2, −3, −2.5, 1.34, .5] → scale .0196078438, zero point 153
    expect(asymmetricParams(-3, 2, 0, 255)).toEqual({ scale: Math.fround(0.0196078438), zeroPoint: 153 });
  });

  it('scale .6/255 with zero point 207 starts at −.48706', () => {
    const { scale, zeroPoint } = asymmetricParams(-0.48706, 0.6 - 0.48706, 0, 255);
    expect(scale).toBeCloseTo(0.6 / 255, 9);
    expect(zeroPoint).toBe(207);
    expect(scale * (0 - zeroPoint)).toBeCloseTo(-0.48706, 5);
  });

  it.each([
    ['a positive range starts at 0', 2, 5, { scale: Math.fround(5 / 255), zeroPoint: 0 }],
    ['a negative range ends at 0', -5, -2, { scale: Math.fround(5 / 255), zeroPoint: 255 }],
    ['a range of one value', 3, 3, { scale: Math.fround(3 / 255), zeroPoint: 0 }],
    ['zero', 0, 0, { scale: 1, zeroPoint: 0 }],
    ['−0', -0, -0, { scale: 1, zeroPoint: 0 }],
    ['a subnormal', 0, 2 ** -149, { scale: 1, zeroPoint: 0 }],
    ['the smallest scale', 0, 255 * MIN_SCALE, { scale: MIN_SCALE, zeroPoint: 0 }],
    ['just below the smallest scale', 0, 254.99 * MIN_SCALE, { scale: 1, zeroPoint: 0 }],
    [
      'all of float32',
      -FLOAT32_MAX,
      FLOAT32_MAX,
      { scale: Math.fround((2 * FLOAT32_MAX) / 255), zeroPoint: 128 },
    ],
    ['more than float32', -1e300, 1e308, { scale: MAX_SCALE, zeroPoint: 255 }],
  ])('%s', (_, min, max, params) => {
    expect(asymmetricParams(min, max, 0, 255)).toEqual(params);
  });

  it('moves with the codes', () => {
    expect(asymmetricParams(-3, 2, -128, 127).zeroPoint).toBe(25);
    expect(asymmetricParams(0, 0, -128, 127)).toEqual({ scale: 1, zeroPoint: -128 });
    expect(asymmetricParams(0, 15, 0, 15)).toEqual({ scale: 1, zeroPoint: 0 });
  });

  it('covers the range to half a step, with 0 on the grid', () => {
    fc.assert(
      fc.property(float32, float32, (a, b) => {
        const min = Math.min(a, b);
        const max = Math.max(a, b);
        const { scale, zeroPoint } = asymmetricParams(min, max, 0, 255);
        expect(Math.fround(scale)).toBe(scale);
        expect(scale).toBeGreaterThanOrEqual(MIN_SCALE);
        expect(scale).toBeLessThanOrEqual(MAX_SCALE);
        expect(Number.isInteger(zeroPoint) && zeroPoint >= 0 && zeroPoint <= 255).toBe(true);
        expect(Object.is(zeroPoint, -0)).toBe(false);
        const slack = scale * (0.5 + 1e-4); // fl(scale) may be 2^−24 short, 255 times over
        expect(scale * (0 - zeroPoint)).toBeLessThanOrEqual(min + slack);
        expect(scale * (255 - zeroPoint)).toBeGreaterThanOrEqual(max - slack);
      }),
    );
  });

  it.each([
    [NaN, 1],
    [0, NaN],
    [0, Infinity],
    [-Infinity, 0],
    [1, -1],
  ])('refuses the range [%d, %d]', (min, max) => {
    expect(() => asymmetricParams(min, max, 0, 255)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT' }),
    );
    expect(() => symmetricParams(min, max)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  });

  it.each([
    [0, 0],
    [1, 0],
    [0, 0.5],
    [NaN, 255],
  ])('refuses the codes %d…%d', (qmin, qmax) => {
    expect(() => asymmetricParams(0, 1, qmin, qmax)).toThrow(/integer codes qmin < qmax/);
  });
});

describe('symmetricParams', () => {
  it.each([
    ['the larger end decides', -3, 2, Math.fround(3 / 127)],
    ['either end', -1, 2, Math.fround(2 / 127)],
    ['zero', 0, 0, 1],
    ['nearly zero', -1e-35, 1e-35, 1],
    ['the smallest scale', 0, 127 * MIN_SCALE, MIN_SCALE],
    ['all of float32', -FLOAT32_MAX, 0, Math.fround(FLOAT32_MAX / 127)],
    ['more than float32', 0, 1e300, MAX_SCALE],
  ])('%s', (_, min, max, scale) => {
    expect(symmetricParams(min, max)).toEqual({ scale, zeroPoint: 0 });
  });
});
