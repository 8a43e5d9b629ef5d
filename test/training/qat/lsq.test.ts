import { describe, expect, it } from 'vitest';
import { gradientScale, stepGradient, weightStepGradient } from '../../../lib/training/qat/lsq';
import { Seeded } from '../../support/random';
import { rne } from '../../support/rounding';

const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
/** s·(clamp(x/s) + δ), the rounding residual δ in steps held fixed where it was made. */
function surrogate(x: number, s: number, low: number, high: number): (x: number, s: number) => number {
  const v = clamp(x / s, low, high);
  const residual = v > low && v < high ? rne(v) - v : 0;
  return (y, step) => step * (clamp(y / step, low, high) + residual);
}
const slope = (f: (h: number) => number, h = 1e-6) => (f(h) - f(-h)) / (2 * h);

describe('stepGradient', () => {
  it.each([
    [0, 0, 15],
    [7, -7, 8],
    [128, -128, 127],
  ])('zero point %d: finite differences of x and of the step, the residual held fixed', (zero, low, high) => {
    const s = 0.37;
    const x = new Seeded(zero + 1).normals(400, s * high);
    const positions = x.map((v) => v / s);
    const codes = Uint8Array.from(positions, (v) => zero + rne(clamp(v, low, high)));
    const given = new Seeded(2).normals(400);
    const ends = { low, high, lowSlope: low, highSlope: high };
    const gradient = given.slice();
    const step = stepGradient(codes, zero, positions, gradient, ends);
    let sum = 0;
    x.forEach((value, i) => {
      const f = surrogate(value, s, low, high);
      expect(gradient[i]).toBeCloseTo(given[i]! * slope((h) => f(value + h, s)), 5);
      sum += given[i]! * slope((h) => f(value, s + h));
    });
    expect(step / sum).toBeCloseTo(1, 5);
    expect([...gradient].some((g) => g === 0)).toBe(true);
  });

  it('an end that a function sets does not move with the step', () => {
    const ends = { low: 0, high: 12, lowSlope: 0, highSlope: 0 };
    const gradient = Float32Array.of(1, 1, 1);
    const sum = stepGradient(Uint8Array.of(3, 15, 7), 3, Float32Array.of(-2, 40, 4.25), gradient, ends);
    expect(sum).toBe(-0.25);
    expect([...gradient]).toEqual([0, 0, 1]);
  });
});

describe('weightStepGradient', () => {
  it.each([
    [1, 6],
    [3, 6],
    [7, 1],
    [127, 6],
  ])('codes ±%d, %d steps: finite differences, the residual held fixed', (maxCode, rows) => {
    const weight = new Seeded(5).normals(6 * 50, 0.2);
    const scale = Float32Array.from({ length: rows }, (_, n) => (0.3 + 0.05 * n) / maxCode);
    const own = (i: number) => scale[Math.floor((i * rows) / weight.length)]!;
    const codes = Int8Array.from(weight, (w, i) => rne(clamp(w / own(i), -maxCode, maxCode)));
    const given = new Seeded(6).normals(weight.length);
    const gradient = given.slice();
    const steps = new Float64Array(rows);
    weightStepGradient(weight, codes, scale, maxCode, gradient, steps);
    const sums = new Float64Array(rows);
    weight.forEach((w, i) => {
      const f = surrogate(w, own(i), -maxCode, maxCode);
      expect(gradient[i]).toBeCloseTo(given[i]! * slope((h) => f(w + h, own(i)), 1e-7), 4);
      sums[Math.floor((i * rows) / weight.length)]! += given[i]! * slope((h) => f(w, own(i) + h), 1e-7);
    });
    steps.forEach((g, n) => {
      expect(g).toBeCloseTo(sums[n]!, 3);
    });
  });
});

it('gradients of steps are scaled by 1/√(N·Qp)', () => {
  expect(gradientScale(100, 4)).toBe(1 / 20);
});
