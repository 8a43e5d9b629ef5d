import { describe, expect, it } from 'vitest';
import { PercentileObserver } from '../../lib/calibration/percentile';
import { normals } from './random';

function rangeOf(percentile: number | undefined, data: Float32Array) {
  const observer = new PercentileObserver(percentile);
  observer.observe(data);
  return observer.range();
}

describe('percentile', () => {
  // −10000…10000, one of each: one value is 1/20001 of the data, the bins are 2 wide.
  const ramp = Float32Array.from({ length: 20001 }, (_, i) => i - 10000);

  it.each([
    [100, 10000],
    [99.99, 9998],
    [99, 9800],
    [75, 5000],
    [50.5, 100],
  ])('%d %% of a ramp', (percentile, end) => {
    const { min, max } = rangeOf(percentile, ramp);
    expect(Math.abs(max - end)).toBeLessThanOrEqual(2);
    expect(Math.abs(min + end)).toBeLessThanOrEqual(2);
  });

  it('is 99.99 by default', () => {
    expect(rangeOf(undefined, ramp)).toEqual(rangeOf(99.99, ramp));
  });

  it('counts zeros', () => {
    // 90 zeros and 1…10: the 95th percentile is 5.
    const data = new Float32Array(100);
    for (let i = 1; i <= 10; i++) data[i] = i;
    expect(rangeOf(95, data).max).toBeCloseTo(5, 2); // 5 of 100 values lie beyond it
    expect(rangeOf(80, data)).toEqual({ min: 0, max: 0 });
  });

  it('clips each tail by its own data', () => {
    const data = normals(100_000, 5).map((x, i) => (i === 0 ? 100 : x < 0 ? x / 10 : x));
    const { min, max } = rangeOf(99.9, data);
    expect(max).toBeCloseTo(3.09, 1);
    expect(min).toBeCloseTo(-0.309, 1);
  });
});
