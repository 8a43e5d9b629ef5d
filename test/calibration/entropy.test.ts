import { describe, expect, it } from 'vitest';
import { EntropyObserver } from '../../lib/calibration/entropy';
import { normals, uniforms } from './random';

function rangeOf(data: Float32Array) {
  const observer = new EntropyObserver();
  observer.observe(data);
  return observer.range();
}

describe('entropy', () => {
  it('clips a far outlier', () => {
    const data = normals(100_000, 9);
    data[17] = 100;
    const { min, max } = rangeOf(data);
    console.log(`N(0,1) with an outlier at 100: [${min.toFixed(3)}, ${max.toFixed(3)}]`);
    expect(max).toBeLessThan(8);
    expect(max).toBeGreaterThan(2);
    expect(min).toBeLessThan(-2);
  });

  it('clips on the side of the outlier only', () => {
    const data = uniforms(100_000, 9);
    data[17] = -20;
    const { min, max } = rangeOf(data);
    expect(min).toBeGreaterThan(-2.5);
    expect(max).toBeGreaterThan(0.95);
  });

  it('keeps data without tails', () => {
    const { min, max } = rangeOf(uniforms(1_000_000, 3));
    console.log(`U[-1,1]: [${min.toFixed(4)}, ${max.toFixed(4)}]`);
    expect(min).toBeLessThan(-0.99);
    expect(max).toBeGreaterThan(0.99);
  });

  it('non-negative data starts at 0', () => {
    const data = normals(100_000, 2).map((x, i) => (i === 3 ? 60 : Math.max(x, 0)));
    const { min, max } = rangeOf(data);
    expect(min).toBe(0);
    expect(max).toBeLessThan(8);
    expect(max).toBeGreaterThan(2);
  });

  it('non-positive data ends at 0', () => {
    const data = normals(100_000, 2).map((x, i) => (i === 3 ? 60 : Math.max(x, 0)));
    const { min, max } = rangeOf(data);
    const mirrored = rangeOf(data.map((x) => -x));
    expect(mirrored.max).toBe(min);
    expect(Math.abs(mirrored.min + max)).toBeLessThan(0.5); // runs of bins are counted from below: nearly a mirror image
  });
});
