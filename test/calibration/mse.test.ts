import { describe, expect, it } from 'vitest';
import { MseObserver } from '../../lib/calibration/mse';
import { asymmetricParams } from '../../lib/quantization/affine';
import { decibels, meanSquaredError } from './error';
import { normalQuantiles, normals, uniforms } from './random';

function rangeOf(data: Float32Array) {
  const observer = new MseObserver();
  observer.observe(data);
  return observer.range();
}

/** Largest grid point of a range: (255 − z)·s. */
function top(min: number, max: number): number {
  const { scale, zeroPoint } = asymmetricParams(min, max, 0, 255);
  return scale * (255 - zeroPoint);
}

describe('mse', () => {
  // The published figure is for s = c/127, codes −128…127: 256 levels, the grid that ours is with zero point 128. A few
  // values beyond the clip carry a tenth of the error, so 10^6 random samples vary by about .13 dB (one deviation).
  it.each([
    ['seeded samples', normals(1_000_000, 2022), 0.15],
    ['quantiles', normalQuantiles(1_000_000), 0.03],
  ])('N(0,1), %s: clip 3.907σ, 40.57 dB', (name, data, tolerance) => {
    const { min, max } = rangeOf(data);
    const db = decibels(meanSquaredError(data, { min, max }));
    const clip = (127 * (max - min)) / 255; // 127 steps
    console.log(
      `N(0,1) ${name}: [${min.toFixed(4)}, ${max.toFixed(4)}], ${clip.toFixed(4)}σ, ${db.toFixed(3)} dB`,
    );
    expect(Math.abs(db - 40.57)).toBeLessThan(tolerance);
    expect(Math.abs(clip - 3.907)).toBeLessThan(0.05);
  });

  it('U[−1,1]: .996, 52.90 dB', () => {
    const data = uniforms(1_000_000, 7);
    const { min, max } = rangeOf(data);
    const db = decibels(meanSquaredError(data, { min, max }));
    console.log(
      `U[-1,1]: [${min.toFixed(4)}, ${max.toFixed(4)}], top ${top(min, max).toFixed(4)}, ${db.toFixed(3)} dB`,
    );
    expect(Math.abs(db - 52.9)).toBeLessThan(0.15);
    expect(Math.abs(top(min, max) - 0.996)).toBeLessThan(0.006);
  });

  it.each<[string, (x: number, i: number) => number]>([
    ['normal', (x) => x],
    ['relu', (x) => Math.max(x, 0)],
    ['skewed', (x) => Math.exp(x)],
    ['one far outlier', (x, i) => (i === 0 ? 50 : x)],
    ['outliers below', (x, i) => (i % 10000 === 0 ? -30 : x)],
    ['heavy tails', (x) => x ** 3],
    ['two humps', (x, i) => x * 0.1 + (i % 2 ? 1 : -4)],
  ])('%s: as good as a brute-force search over the data itself', (_, shape) => {
    const data = normals(20_000, 77).map(shape);
    const found = meanSquaredError(data, rangeOf(data));
    const low = Math.min(0, ...data);
    const high = Math.max(0, ...data);
    let least = Infinity;
    for (let a = 1; a <= 24; a++) {
      for (let b = 1; b <= 24; b++) {
        if (low === 0 && a < 24) continue;
        least = Math.min(least, meanSquaredError(data, { min: (low * a) / 24, max: (high * b) / 24 }));
      }
    }
    const minmax = meanSquaredError(data, { min: low, max: high });
    console.log(`gain over min-max ${(decibels(found) - decibels(minmax)).toFixed(2)} dB`);
    expect(found).toBeLessThan(least * 1.01);
    expect(found).toBeLessThan(minmax * 1.001);
  });

  it('pixels k/255 keep (almost) all of their grid', () => {
    const data = Float32Array.from({ length: 25_600 }, (_, i) => (i % 256) / 255);
    const { min, max } = rangeOf(data);
    const error = meanSquaredError(data, { min, max });
    console.log(`pixels: [${min}, ${max}], mean squared error ${error}`);
    expect(min).toBe(0);
    expect(error).toBeLessThan(1e-8); // the rounding error of continuous data is 1.3e-6
  });

  it('exact zeros have no weight', () => {
    const data = normals(10_000, 4).map((x) => Math.max(x, 0));
    expect(rangeOf(data)).toEqual(rangeOf(data.filter((x) => x !== 0)));
  });
});
