import { beforeAll, describe, expect, it } from 'vitest';
import { Job } from '../../../lib/compression/job';
import {
  diagonalOf,
  hessianOf,
  inverseOf,
  type Moments,
  meansOf,
  secondMoments,
} from '../../../lib/compression/pruning/hessian';
import { MLP, relu } from '../../../lib/index';
import { expectRejection } from '../../support/errors';
import { randomLinear } from '../../support/models';
import { Seeded } from '../../support/random';

const random = new Seeded(71);
const model = new MLP([randomLinear(random, 3, 5, 'a'), relu(), randomLinear(random, 5, 2, 'b')]);
const rows = random.normals(3 * 700);
const job = new Job({}, 'test', 1);
let moments: ReadonlyMap<string, Moments>;

beforeAll(async () => {
  moments = await secondMoments(model.graph, rows, new Set(['input', '1']), job);
});

describe('secondMoments', () => {
  it('Σ xxᵀ with a leading 1, of the model’s input and of what the layers show', () => {
    const shown: Record<string, Float32Array> = { input: rows };
    model.observe(rows, (name, data) => {
      shown[name] = data.slice();
    });
    for (const [name, features] of [
      ['input', 3],
      ['1', 5],
    ] as const) {
      const x = shown[name]!;
      const at = (row: number, k: number) => (k === 0 ? 1 : x[row * features + k - 1]!);
      for (let i = 0; i <= features; i++)
        for (let j = 0; j <= i; j++) {
          let sum = 0;
          for (let row = 0; row < 700; row++) sum += at(row, i) * at(row, j);
          expect(moments.get(name)![i * (features + 1) + j]).toBe(sum);
        }
    }
  });

  it('their means and diagonals', () => {
    const sums = moments.get('input')!;
    const mean = rows.filter((_, i) => i % 3 === 1).reduce((a, b) => a + b) / 700;
    const squares = (shift: number) =>
      rows.filter((_, i) => i % 3 === 1).reduce((sum, x) => sum + 2 * (x - shift) ** 2, 0);
    expect(meansOf(sums)[1]).toBeCloseTo(mean, 6);
    expect(diagonalOf(sums)[1]).toBeCloseTo(squares(0), 2);
    expect(diagonalOf(sums, true)[1]).toBeCloseTo(squares(mean), 2);
  });
});

describe('inverseOf', () => {
  it.each([true, false])('H·H⁻¹ = I, with the constant: %s', async (withConstant) => {
    const hessian = hessianOf(moments.get('1')!, withConstant, 1e-3);
    const { n, fixed, h } = hessian;
    expect([n, fixed]).toEqual(withConstant ? [6, 1] : [5, 0]);
    const inverse = await inverseOf(hessian, job);
    const at = (i: number, j: number) => inverse[Math.max(i, j) * n + Math.min(i, j)]!;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let k = 0; k < n; k++) sum += h[i * n + k]! * at(k, j);
        expect(sum).toBeCloseTo(Number(i === j), 9);
      }
  });

  it('inputs that are always 0 need damping', async () => {
    const zeros = new Float64Array(16);
    expect((await inverseOf(hessianOf(zeros, false, 0), job))[0]).toBe(1);
    const half = Float64Array.of(2, 0, 0, 1, 2, 0, 0, 0, 0); // the second of two inputs is always 0
    await expectRejection(inverseOf(hessianOf(half, false, 0), job), 'ERR_ARGUMENT', /damping/);
    await inverseOf(hessianOf(half, false, 0.01), job);
  });
});
