import { expect, it } from 'vitest';
import { Job } from '../../../lib/compression/job';
import { lossGradients } from '../../../lib/compression/pruning/gradients';
import { linear, MLP, relu, softmax } from '../../../lib/index';
import { checkDataset } from '../../../lib/training/dataset';
import { evaluateRows } from '../../support/models';
import { Seeded } from '../../support/random';

const random = new Seeded(9);
const sizes = [
  [4, 6],
  [6, 3],
] as const;
const weights = sizes.map(([i, o]) => random.normals(i * o, 0.6));
const made = (w: readonly Float32Array[]) =>
  new MLP([
    linear({ inFeatures: 4, outFeatures: 6, weight: w[0]!, name: 'a' }),
    relu(),
    linear({ inFeatures: 6, outFeatures: 3, weight: w[1]!, name: 'b' }),
    softmax(),
  ]);
const rows = 300;
const inputs = random.normals(4 * rows);
const targets = Uint8Array.from({ length: rows }, () => random.integer(0, 2));
const data = checkDataset('data', { inputs, targets }, 4, 3);
const all = Uint32Array.from({ length: rows }, (_, i) => i);
const job = new Job({}, 'test', 1);

/** Each row's −log softmax, in float64. */
const losses = (w: readonly Float32Array[]) => {
  const y = evaluateRows(made(w), inputs);
  return Float64Array.from({ length: rows }, (_, r) => -Math.log(y[3 * r + targets[r]!]!));
};

it('of the mean loss, and the mean square of each row’s, against finite differences', async () => {
  const found = await lossGradients(made(weights).graph, data, all, undefined, job);
  for (const [layer, i] of [
    [0, 3],
    [0, 20],
    [1, 0],
    [1, 17],
  ] as const) {
    const moved = (step: number) =>
      weights.map((w, l) => (l === layer ? w.map((x, j) => (j === i ? x + step : x)) : w));
    const [up, down] = [losses(moved(2 ** -9)), losses(moved(-(2 ** -9)))];
    const ofRow = up.map((x, r) => (x - down[r]!) / 2 ** -8);
    const { gradient, fisher } = found.get(layer === 0 ? 'a' : 'b')!;
    expect(gradient[i]).toBeCloseTo(ofRow.reduce((a, b) => a + b) / rows, 3);
    expect(fisher[i]).toBeCloseTo(ofRow.reduce((sum, g) => sum + g * g, 0) / rows, 2);
  }
});

it('of the rows that are asked for', async () => {
  const some = all.filter((row) => row % 3 === 0);
  const found = await lossGradients(made(weights).graph, data, some, 'crossEntropy', job);
  const alone = checkDataset(
    'data',
    { inputs: gathered(some), targets: targets.filter((_, r) => r % 3 === 0) },
    4,
    3,
  );
  const same = await lossGradients(made(weights).graph, alone, all.subarray(0, some.length), undefined, job);
  expect(found).toEqual(same);
});

function gathered(some: Uint32Array): Float32Array {
  return Float32Array.from(
    { length: 4 * some.length },
    (_, i) => inputs[4 * some[Math.floor(i / 4)]! + (i % 4)]!,
  );
}
