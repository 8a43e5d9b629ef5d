import { describe, expect, it } from 'vitest';
import { type PruneOptions, prune } from '../../../lib/compression';
import { linearNodes } from '../../../lib/compression/rebuild';
import { concat, linear, MLP, relu, residual, tanh } from '../../../lib/index';
import { randomLinear } from '../../support/models';
import { Seeded } from '../../support/random';

const random = new Seeded(88);
/** Of 20 neurons, 10 do nothing that the others could not: copies of them, half read by each. */
const inner = randomLinear(random, 8, 10, 'x') as ReturnType<typeof linear> & {
  weight: Float32Array;
  bias: Float32Array;
};
const twice = (values: Float32Array) => Float32Array.of(...values, ...values);
const model = new MLP([
  linear({ inFeatures: 8, outFeatures: 20, weight: twice(inner.weight), bias: twice(inner.bias), name: 'a' }),
  tanh(),
  randomLinear(random, 20, 12, 'b'),
  relu(),
  randomLinear(random, 12, 5, 'c'),
]);
const inputs = random.normals(8 * 500);
const data = { inputs, targets: random.uint8s(500).map((x) => x % 5) };
const widths = ({ graph }: MLP) => linearNodes(graph).map(({ output }) => graph.values.get(output)!.features);
const error = (pruned: MLP) => {
  const [y, reference] = [pruned.runSync(inputs), model.runSync(inputs)];
  return (
    y.reduce((sum, v, i) => sum + (v - reference[i]!) ** 2, 0) / reference.reduce((sum, v) => sum + v * v, 0)
  );
};

describe.each(['magnitude', 'taylor', 'obd', 'obs'] as const)('%s', (saliency) => {
  it('a smaller model; the output keeps its features', async () => {
    const options: PruneOptions = { saliency, unit: 'neuron', sparsity: 0.5 };
    const pruned = await prune(model, data, options);
    expect(widths(pruned)).toEqual([10, 6, 5]);
    expect(pruned.runSync(inputs)).toHaveLength(2500);
    expect(widths(await prune(model, data, { ...options, steps: 3 }))).toEqual([10, 6, 5]);
    expect(widths(await prune(model, data, { ...options, layers: ['b'] }))).toEqual([20, 6, 5]);
    const [a, b] = widths(await prune(model, data, { ...options, scope: 'global' }));
    expect(a! + b!).toBe(16);
    expect(widths(await prune(model, data, { ...options, sparsity: 0.999 }))).toEqual([1, 1, 5]);
    expect(widths(model)).toEqual([20, 12, 5]);
  });
});

it('OBS: what others can make up for leaves first, and is made up for', async () => {
  const options = { unit: 'neuron', sparsity: 0.5, layers: ['a'] } as const;
  expect(error(await prune(model, data, { ...options, saliency: 'obs', damping: 1e-9 }))).toBeLessThan(1e-6);
  expect(error(await prune(model, data, { ...options, saliency: 'obd' }))).toBeGreaterThan(1e-2);
});

it('several readers, through different activations', async () => {
  const branches = new MLP([
    randomLinear(random, 8, 16, 'a'),
    concat([
      [relu(), randomLinear(random, 16, 3, 'b')],
      [tanh(), randomLinear(random, 16, 4, 'c')],
      [
        tanh(),
        linear({ inFeatures: 16, outFeatures: 2, bias: false, weight: random.normals(32), name: 'd' }),
      ],
    ]),
    randomLinear(random, 9, 5, 'e'),
  ]);
  for (const saliency of ['magnitude', 'taylor', 'obd', 'obs'] as const) {
    const pruned = await prune(branches, data, { saliency, unit: 'neuron', sparsity: 0.25 });
    expect(widths(pruned)).toEqual([12, 3, 4, 2, 5]);
    expect(pruned.runSync(inputs).every(Number.isFinite)).toBe(true);
  }
});

it('what an add reads stays', async () => {
  const blocks = new MLP([
    randomLinear(random, 8, 6, 'a'),
    residual([randomLinear(random, 6, 10, 'b'), relu(), randomLinear(random, 10, 6, 'c')]),
    randomLinear(random, 6, 5, 'd'),
  ]);
  const pruned = await prune(blocks, data, { unit: 'neuron', sparsity: 0.5 });
  expect(widths(pruned)).toEqual([6, 5, 6, 5]);
});
