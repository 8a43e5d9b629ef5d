import { describe, expect, it } from 'vitest';
import type { PruneOptions } from '../../../lib/compression';
import { prune } from '../../../lib/compression';
import { type PrunedLayer, summary } from '../../../lib/compression/pruning/summary';
import { MLP, relu } from '../../../lib/index';
import { randomLinear } from '../../support/models';
import { Seeded } from '../../support/random';

const random = new Seeded(61);
const model = new MLP([
  randomLinear(random, 16, 24, 'a'),
  relu(),
  randomLinear(random, 24, 24, 'b'),
  relu(),
  randomLinear(random, 24, 10, 'c'),
]);
/** Few directions, so that inputs are correlated. */
const mixing = random.normals(4 * 16);
const inputs = Float32Array.from({ length: 16 * 400 }, () => 0.2 * random.normal());
for (let r = 0; r < 400; r++) {
  const z = random.normals(4);
  for (let k = 0; k < 16; k++) for (let d = 0; d < 4; d++) inputs[r * 16 + k]! += z[d]! * mixing[d * 16 + k]!;
}
const reference = model.runSync(inputs);
const targets = Uint8Array.from({ length: 400 }, (_, r) => {
  const y = [...reference.subarray(10 * r, 10 * r + 10)];
  return y.indexOf(Math.max(...y));
});
const data = { inputs, targets };
/** What is lost of the outputs. */
const error = (pruned: MLP) =>
  pruned.runSync(inputs).reduce((sum, y, i) => sum + (y - reference[i]!) ** 2, 0) /
  reference.reduce((sum, y) => sum + y * y, 0);
const shares = (pruned: MLP, of: keyof PrunedLayer) =>
  Object.values(summary(pruned)).map((layer) => layer[of]);

describe.each(['magnitude', 'taylor', 'obd', 'obs'] as const)('%s', (saliency) => {
  it.each([
    ['weight', 'sparsity'],
    ['block', 'blockSparsity'],
  ] as const)('%s: so many of each layer, or of all', async (unit, of) => {
    const options: PruneOptions = { saliency, unit, sparsity: 0.5 };
    const pruned = await prune(model, data, options);
    for (const share of shares(pruned, of)) expect(share).toBeCloseTo(0.5, 1);
    const anywhere = await prune(model, data, { ...options, scope: 'global' });
    const layers = Object.values(summary(anywhere));
    const units = (l: PrunedLayer) => l.inFeatures * Math.ceil(l.outFeatures / (unit === 'block' ? 4 : 1));
    const zero = layers.reduce((sum, l) => sum + l[of] * units(l), 0);
    expect(zero / layers.reduce((sum, l) => sum + units(l), 0)).toBeCloseTo(0.5, 2);
  });

  it('some layers alone, and again from there', async () => {
    const options: PruneOptions = { saliency, layers: ['b'], sparsity: 0.6, steps: 3 };
    const pruned = await prune(model, data, options);
    const [a, b, c] = shares(pruned, 'sparsity');
    expect([a, c]).toEqual([0, 0]);
    expect(b).toBeCloseTo(0.6, 2);
  });
});

it('OBS loses less than OBD, and that less than magnitude; blocks more than weights', async () => {
  const of = async (saliency: PruneOptions['saliency'] & string, unit: PruneOptions['unit'] & string) =>
    error(await prune(model, data, { saliency, unit, sparsity: 0.6 }));
  const [obs, obd, magnitude] = [
    await of('obs', 'weight'),
    await of('obd', 'weight'),
    await of('magnitude', 'weight'),
  ];
  expect(obs).toBeLessThan(obd / 2);
  expect(obd).toBeLessThan(magnitude);
  expect(await of('obs', 'block')).toBeGreaterThan(obs);
  expect(await of('obs', 'block')).toBeLessThan(await of('obd', 'block'));
});

it('a model without biases', async () => {
  const layers = model.layers.map((layer) => (layer.type === 'linear' ? { ...layer, bias: false } : layer));
  for (const saliency of ['obd', 'obs'] as const) {
    const pruned = await prune(new MLP(layers), data, { saliency, sparsity: 0.5 });
    for (const layer of pruned.layers)
      if (layer.type === 'linear') expect(layer).toMatchObject({ bias: false });
  }
});
