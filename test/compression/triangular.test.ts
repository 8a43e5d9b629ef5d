import { expect, it } from 'vitest';
import { choleskySolve, inverseFactor } from '../../lib/compression/triangular';
import { Seeded } from '../support/random';

const between = async () => {};

it('U with UᵀU·A = I, upper triangular', async () => {
  const n = 37;
  const x = new Seeded(1).normals(n * 60);
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum = i === j ? 0.1 : 0;
      for (let r = 0; r < 60; r++) sum += x[r * n + i]! * x[r * n + j]!;
      a[i * n + j] = sum;
    }
  const before = a.slice();
  const u = (await inverseFactor(a, n, between))!;
  expect(a).toEqual(before);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) expect(u[i * n + j]).toBe(0);
    for (let j = 0; j < n; j++) {
      // Row i of UᵀU times column j of A.
      let sum = 0;
      for (let k = 0; k < n; k++) {
        let inverse = 0;
        for (let m = 0; m < n; m++) inverse += u[m * n + i]! * u[m * n + k]!;
        sum += inverse * a[k * n + j]!;
      }
      expect(sum).toBeCloseTo(i === j ? 1 : 0, 9);
    }
  }
});

it.each([
  ['indefinite', [1, 2, 2, 1]],
  ['NaN', [1, Number.NaN, Number.NaN, 1]],
  ['Infinity', [1, 0, 0, Infinity]],
])('%s: undefined', async (_, a) => {
  expect(await inverseFactor(Float64Array.from(a), 2, between)).toBeUndefined();
});

it('A·x = b for several b, from the lower triangle', () => {
  const [n, random] = [9, new Seeded(2)];
  const l = Float64Array.from({ length: n * n }, (_, i) =>
    i % n > Math.floor(i / n) ? 0 : random.normal() + (i % (n + 1) === 0 ? 5 : 0),
  );
  const a = Float64Array.from({ length: n * n }, (_, i) =>
    Array.from({ length: n }, (_, k) => l[Math.floor(i / n) * n + k]! * l[(i % n) * n + k]!).reduce(
      (s, x) => s + x,
    ),
  );
  const right = [0, 1].map(() => Float64Array.from(random.normals(n)));
  const x = right.map((b) => b.slice());
  const lower = a.map((value, i) => (i % n > Math.floor(i / n) ? Number.NaN : value));
  expect(choleskySolve(lower, n, x)).toBe(true);
  for (const [r, b] of right.entries())
    for (let i = 0; i < n; i++)
      expect(x[r]!.reduce((sum, v, k) => sum + a[i * n + k]! * v, 0)).toBeCloseTo(b[i]!, 9);
  expect(choleskySolve(Float64Array.of(1, 2, 2, 1), 2, [])).toBe(false);
});
