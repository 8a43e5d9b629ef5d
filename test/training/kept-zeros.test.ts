import { expect, it } from 'vitest';
import { linear, MLP, relu } from '../../lib/index';
import { train } from '../../lib/training';
import { expectRejection } from '../support/errors';
import { Seeded } from '../support/random';

const random = new Seeded(6);
const sparse = random.normals(5 * 6).map((w, i) => (i % 3 === 0 ? 0 : w));
const model = new MLP([
  linear({ inFeatures: 5, outFeatures: 6, weight: sparse, bias: new Float32Array(6) }),
  relu(),
  linear({ inFeatures: 6, outFeatures: 2, weight: random.normals(12) }),
]);
const data = { inputs: random.normals(5 * 200), targets: random.uint8s(200).map((x) => x % 2) };

it.each([
  { type: 'adam', learningRate: 0.01 },
  { type: 'sgd', learningRate: 0.1, momentum: 0.9 },
] as const)('weights that are 0 stay 0, biases learn: $type', async (optimizer) => {
  const trained = async (keepZeros: boolean) => {
    const [first] = (await train(model, data, { epochs: 3, optimizer, keepZeros })).model.layers;
    return first as unknown as { weight: Float32Array; bias: Float32Array };
  };
  const { weight, bias } = await trained(true);
  weight.forEach((w, i) => {
    expect(w === 0).toBe(sparse[i] === 0);
  });
  expect(bias.every((b) => b !== 0)).toBe(true);
  expect((await trained(false)).weight.every((w) => w !== 0)).toBe(true);
});

it('true or false', async () => {
  const options = { epochs: 1, keepZeros: 1 as unknown as boolean };
  await expectRejection(train(model, data, options), 'ERR_ARGUMENT', /keepZeros/);
});
