import { describe, expect, it } from 'vitest';
import { Job } from '../../../lib/compression/job';
import { eliminate, refitted, scoresOf } from '../../../lib/compression/pruning/elimination';
import { type Hessian, inverseOf } from '../../../lib/compression/pruning/hessian';
import { Seeded } from '../../support/random';

const [n, rows] = [12, 60];
const job = new Job({}, 'test', 1);

/** A linear layer's inputs, correlated, the constant first where there is one; H of its reconstruction loss. */
function layer(seed: number, fixed: number) {
  const random = new Seeded(seed);
  const x = new Float64Array(rows * n);
  for (let r = 0; r < rows; r++) {
    const common = random.normal();
    for (let k = 0; k < n; k++) x[r * n + k] = k < fixed ? 1 : random.normal() + common + 0.5;
  }
  const h = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      for (let r = 0; r < rows; r++) h[i * n + j]! += 2 * x[r * n + i]! * x[r * n + j]!;
  const hessian: Hessian = { n, fixed, h };
  const weights = (count: number) =>
    Array.from({ length: count }, () => Float64Array.from({ length: n }, () => random.normal()));
  return { x, hessian, weights };
}

/** Σ ((w − w')·x)² over rows and outputs. */
function loss(x: Float64Array, before: readonly Float64Array[], after: readonly Float64Array[]): number {
  let sum = 0;
  before.forEach((w, o) => {
    for (let r = 0; r < rows; r++) {
      let change = 0;
      for (let k = 0; k < n; k++) change += (w[k]! - after[o]![k]!) * x[r * n + k]!;
      sum += change * change;
    }
  });
  return sum;
}

const prefix = ({ order }: { order: Uint32Array }, count: number) => {
  const removed = new Uint8Array(order.length);
  for (const feature of order.subarray(0, count)) removed[feature] = 1;
  return removed;
};

describe.each([
  [1, 0],
  [4, 0],
  [1, 1],
  [4, 1],
])('%i rows of weights, %i constants', (height, fixed) => {
  const { x, hessian, weights } = layer(10 * height + fixed, fixed);
  const w = weights(height);

  it('the predicted loss is the actual one, after each removal', async () => {
    const elimination = await eliminate(hessian, await inverseOf(hessian, job), w, job);
    let predicted = 0;
    for (let count = 1; count <= n - fixed; count++) {
      predicted += elimination.losses[count - 1]!;
      const after = refitted(hessian, w, prefix(elimination, count));
      expect(predicted / loss(x, w, after)).toBeCloseTo(1, 6);
      for (const feature of elimination.order.subarray(0, count))
        for (const row of after) expect(row[feature + fixed]).toBe(0);
    }
  });

  it('the first to leave is the cheapest, and no other weights do better', async () => {
    const elimination = await eliminate(hessian, await inverseOf(hessian, job), w, job);
    const costs = Array.from({ length: n - fixed }, (_, feature) => {
      const removed = new Uint8Array(n - fixed);
      removed[feature] = 1;
      return loss(x, w, refitted(hessian, w, removed));
    });
    expect(elimination.order[0]).toBe(costs.indexOf(Math.min(...costs)));
    const removed = prefix(elimination, 5);
    const best = refitted(hessian, w, removed);
    const least = loss(x, w, best);
    for (let k = 0; k < n; k++) {
      if (k >= fixed && removed[k - fixed]) continue;
      for (const step of [-0.01, 0.01]) {
        const other = best.map((row) => row.slice());
        other[0]![k]! += step;
        expect(loss(x, w, other)).toBeGreaterThan(least);
      }
    }
  });
});

it('what is 0 already leaves first, and costs nothing', async () => {
  const { hessian, weights } = layer(5, 0);
  const [w] = weights(1);
  for (const k of [3, 7]) w![k] = 0;
  const elimination = await eliminate(hessian, await inverseOf(hessian, job), [w!], job);
  expect([...elimination.order.subarray(0, 2)].sort()).toEqual([3, 7]);
  expect([...elimination.losses.subarray(0, 2)]).toEqual([0, 0]);
});

it('scores rise along the order', async () => {
  expect([...scoresOf({ order: Uint32Array.of(2, 0, 1), losses: Float64Array.of(1, 5, 3) })]).toEqual([
    5, 5, 1,
  ]);
});
