import { expect, it } from 'vitest';
import { clipGradient } from '../../../lib/training/qat/pact';
import { Seeded } from '../../support/random';

it('finite differences of clip(x, 0, α), the rounding residual held fixed', () => {
  const levels = 15;
  const alpha = 2.5;
  const step = alpha / levels;
  const x = new Seeded(3).normals(500, 2);
  const given = new Seeded(4).normals(500);
  const gradient = given.slice();
  const ends = { low: 0, high: levels, lowSlope: 0, highSlope: levels };
  const bySteps = clipGradient(
    x.map((v) => v / step),
    gradient,
    ends,
  );
  const h = 1e-6;
  const clip = (v: number, a: number) => Math.min(Math.max(v, 0), a);
  let byAlpha = 0;
  x.forEach((v, i) => {
    expect(gradient[i]).toBeCloseTo((given[i]! * (clip(v + h, alpha) - clip(v - h, alpha))) / (2 * h), 5);
    byAlpha += (given[i]! * (clip(v, alpha + h) - clip(v, alpha - h))) / (2 * h);
  });
  // α = levels·s
  expect(bySteps / levels / byAlpha).toBeCloseTo(1, 6);
});
