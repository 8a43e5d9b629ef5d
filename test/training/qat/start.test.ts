import { describe, expect, it } from 'vitest';
import { activationGrid, extent, weightSteps } from '../../../lib/training/qat/start';
import { Seeded } from '../../support/random';

const f = Math.fround;
const mean = (values: ArrayLike<number>) =>
  Array.from(values).reduce((sum, x) => sum + Math.abs(x), 0) / values.length;

describe('weightSteps', () => {
  const weight = new Seeded(11).normals(3 * 400);
  const row = (n: number) => weight.subarray(400 * n, 400 * n + 400);

  it('2 bits: 2·mean|w|/√Qp, which rounds normal weights better than max|w|', () => {
    const steps = weightSteps(weight, 3, 1, 2, 'lsq');
    steps.forEach((step, n) => {
      expect(step).toBeCloseTo(2 * mean(row(n)), 6);
    });
  });

  it('8 bits: max|w|/127, which rounds them better than 2·mean|w|/√127', () => {
    const steps = weightSteps(weight, 3, 127, 8, 'lsq');
    steps.forEach((step, n) => {
      expect(step).toBe(f(Math.max(...row(n).map(Math.abs)) / 127));
    });
  });

  it('ternary: 1.4·mean|w|, so that what is below .7·mean|w| becomes 0', () => {
    expect(weightSteps(weight, 1, 1, 2, 'ternary')[0]).toBeCloseTo(1.4 * mean(weight), 6);
  });

  it('a row of zeros takes the largest step of the others', () => {
    const some = Float32Array.of(0, 0, 0.5, -1.5);
    expect([...weightSteps(some, 2, 7, 4, 'lsq')]).toContain(f(1.5 / 7));
    expect([...weightSteps(new Float32Array(4), 2, 7, 4, 'lsq')]).toEqual([1, 1]);
  });
});

describe('activationGrid', () => {
  it('cuts off a few outliers where the rest is rounded better for it', () => {
    const values = new Seeded(12).normals(5000).map(Math.abs);
    const wide = extent(values).max;
    const { scale, zeroPoint } = activationGrid(values, 15);
    expect(zeroPoint).toBe(0);
    expect(15 * scale).toBeLessThan(0.9 * wide);
    expect(255 * activationGrid(values, 255).scale).toBeGreaterThan(0.9 * wide);
  });

  it('keeps the zero point of a range around 0', () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => -1 + (4 * i) / 999);
    const { scale, zeroPoint } = activationGrid(values, 255);
    expect(scale).toBe(f(4 / 255));
    expect(zeroPoint).toBe(64);
  });

  it('a value that was always 0 has the grid of a range of nothing', () => {
    expect(activationGrid(new Float32Array(10), 15)).toMatchObject({ scale: 1, zeroPoint: 0 });
  });
});
