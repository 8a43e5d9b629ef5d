import { describe, expect, it } from 'vitest';
import { findNonFinite, findOutside, MAX_FLOAT32 } from '../../lib/quantization/float32';

describe('findOutside', () => {
  const of = (...values: number[]) => findOutside(Float32Array.from(values), 0.5, 64);

  it('finds the first value outside of the bounds, which belong to them', () => {
    expect(of(0.5, 1, 63.999, 64)).toBeUndefined();
    expect(of(1, 65, 66)).toBe(65);
    expect(of(1, 0.4999999701976776)).toBeCloseTo(0.5);
    expect(of(64.00000762939453)).toBeGreaterThan(64);
    expect(of()).toBeUndefined();
  });

  it('finds negative values, infinities and NaN', () => {
    for (const value of [-1, -0.5, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN])
      expect(of(1, value)).toBe(value);
  });

  it('takes −0 for 0, and the largest float for finite', () => {
    expect(findOutside(Float32Array.of(-0, 0, MAX_FLOAT32), 0, MAX_FLOAT32)).toBeUndefined();
    expect(findOutside(Float32Array.of(Number.POSITIVE_INFINITY), 0, MAX_FLOAT32)).toBe(
      Number.POSITIVE_INFINITY,
    );
  });

  it('reads a view of part of a buffer', () => {
    expect(findOutside(new Float32Array(Float32Array.of(-1, 1, 2, -1).buffer, 4, 2), 0, 64)).toBeUndefined();
  });
});

it('findNonFinite finds the first NaN or Infinity, and nothing else', () => {
  expect(findNonFinite(Float32Array.of(0, -0, MAX_FLOAT32, -MAX_FLOAT32, 2 ** -149))).toBeUndefined();
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    expect(findNonFinite(Float32Array.of(1, value, 2))).toBe(value);
  expect(findNonFinite(new Float32Array(Float32Array.of(Number.NaN, 1).buffer, 4, 1))).toBeUndefined();
});
