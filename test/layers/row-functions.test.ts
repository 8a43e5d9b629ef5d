import { describe, expect, it } from 'vitest';
import { layerNorm, linear, logSoftmax, MLP, softmax } from '../../lib/index';
import { expectError } from '../support/errors';
import * as functions from '../support/functions';
import { evaluateRows, expectClose, randomLayerNorm } from '../support/models';
import { Seeded } from '../support/random';

const CASES = [
  ['softmax', softmax, functions.softmax],
  ['logSoftmax', logSoftmax, functions.logSoftmax],
] as const;

/** The function itself: behind an identity matrix. */
function model(layer: () => ReturnType<typeof softmax>, features: number): MLP {
  const identity = Float32Array.from({ length: features ** 2 }, (_, i) => (i % (features + 1) === 0 ? 1 : 0));
  return new MLP([linear({ inFeatures: features, outFeatures: features, weight: identity }), layer()]);
}

describe.each(CASES)('%s', (name, layer, reference) => {
  it('is frozen data', () => {
    expect(layer()).toEqual({ type: name });
    expect(Object.isFrozen(layer())).toBe(true);
  });

  it.each([1, 2, 3, 7, 15, 16, 17, 31, 33, 100])('is within 1e−6 of float64 over %i features', (features) => {
    const random = new Seeded(60 + features);
    using m = model(layer, features);
    for (const scale of [0.01, 1, 10, 50]) {
      const x = random.normals(features, scale);
      expectClose(m.runSync(x), reference([...x]), 1e-6);
    }
  });

  it('does not overflow, and does not care about a common offset', () => {
    using m = model(layer, 3);
    expectClose(
      m.runSync(Float32Array.of(1e30, 1e30, -1e30)),
      name === 'softmax' ? [0.5, 0.5, 0] : [-Math.LN2, -Math.LN2, -2e30],
      1e-6,
    );
    expect(m.runSync(Float32Array.of(1001, 1002, 1003))).toEqual(m.runSync(Float32Array.of(1, 2, 3)));
  });
});

describe('layerNorm', () => {
  const weight = Float32Array.of(1, 2, 3);

  it('is frozen data, complete with its epsilon; what is missing stays missing', () => {
    expect(layerNorm({ features: 3 })).toEqual({ type: 'layerNorm', features: 3, epsilon: 1e-5 });
    const layer = layerNorm({ features: 3, epsilon: 0.1, weight, bias: weight });
    expect(layer).toEqual({ type: 'layerNorm', features: 3, epsilon: 0.1, weight, bias: weight });
    expect(Object.isFrozen(layer)).toBe(true);
  });

  it.each([
    ['no options', undefined, 'ERR_ARGUMENT'],
    ['an unknown option', { features: 3, eps: 1e-5 }, 'ERR_ARGUMENT'],
    ...[0, -1, 1.5, 2 ** 24 + 1, '3', undefined].map((features) => [
      'features',
      { features },
      'ERR_ARGUMENT',
    ]),
    ...[-1e-5, Number.NaN, Number.POSITIVE_INFINITY, 1e39, '1', null].map((epsilon) => [
      'epsilon',
      { features: 3, epsilon },
      'ERR_ARGUMENT',
    ]),
    ['a short weight', { features: 3, weight: weight.subarray(1) }, 'ERR_SHAPE'],
    ['a long bias', { features: 3, bias: new Float32Array(4) }, 'ERR_SHAPE'],
    ['an empty weight', { features: 3, weight: new Float32Array(0) }, 'ERR_SHAPE'],
    ['a weight of plain numbers', { features: 3, weight: [1, 2, 3] }, 'ERR_DTYPE'],
    ['a bias of doubles', { features: 3, bias: new Float64Array(3) }, 'ERR_DTYPE'],
    ['NaN as a weight', { features: 3, weight: Float32Array.of(1, Number.NaN, 1) }, 'ERR_ARGUMENT'],
    ['an infinite bias', { features: 3, bias: Float32Array.of(1, 2, -1e39) }, 'ERR_ARGUMENT'],
  ] as [string, never, 'ERR_ARGUMENT'][])('refuses %s: %o', (_, options, code) => {
    expectError(() => layerNorm(options), code);
  });

  it.each([1, 2, 3, 7, 15, 16, 17, 31, 33, 100, 1000])(
    'is within 4e−6 of float64 over %i features',
    (features) => {
      const random = new Seeded(80 + features);
      for (const [size, offset, epsilon] of [
        [0.01, 0, 1e-5],
        [1, 3, 0],
        [50, -20, 1e-5],
        [1e6, 0, 1e-12],
      ] as const) {
        const layers = [randomLayerNorm(random, features, epsilon)];
        using m = new MLP(layers);
        const x = random.normals(3 * features, size).map((v) => v + offset);
        expectClose(m.runSync(x), evaluateRows(m, x), features === 1 ? 0 : 4e-6);
      }
    },
  );

  it('rows do not see each other, whatever the batch', () => {
    const random = new Seeded(91);
    using m = new MLP([randomLayerNorm(random, 37), randomLayerNorm(random, 37)]);
    const x = random.normals(37 * 200, 2);
    const all = m.runSync(x);
    for (let row = 0; row < 200; row++)
      expect(m.runSync(x.slice(37 * row, 37 * (row + 1)))).toEqual(all.slice(37 * row, 37 * (row + 1)));
  });

  it('gives PyTorch’s numbers', () => {
    // torch.nn.functional.layer_norm(torch.tensor([1., 2., 3., 4.]), (4,)): ±1.3416, ±0.4472
    using m = new MLP([layerNorm({ features: 4 })]);
    expectClose(m.runSync(Float32Array.of(1, 2, 3, 4)), [-1.3416355, -0.4472118, 0.4472118, 1.3416355], 1e-6);
  });

  it('a row of equal values is the bias, for every epsilon', () => {
    for (const epsilon of [0, 1e-5, 1]) {
      using m = new MLP([layerNorm({ features: 3, epsilon, weight, bias: weight })]);
      expect(m.runSync(Float32Array.of(5, 5, 5, 0, -0, 0))).toEqual(Float32Array.of(1, 2, 3, 1, 2, 3));
    }
  });

  it('a row with NaN or Infinity, or whose squares are, is NaN; the others are as they were', () => {
    using m = new MLP([layerNorm({ features: 3, weight, bias: weight })]);
    const good = m.runSync(Float32Array.of(1, 2, 4));
    const inf = Number.POSITIVE_INFINITY;
    for (const bad of [Number.NaN, inf, -inf, 3e38, -1e20]) {
      const y = m.runSync(Float32Array.of(1, 2, 4, 1, bad, 2, 1, 2, 4));
      expect(y.slice(0, 3)).toEqual(good);
      expect(y.slice(6)).toEqual(good);
      expect([...new Uint32Array(y.buffer, 12, 3)]).toEqual([0x7fc00000, 0x7fc00000, 0x7fc00000]);
    }
    expect(m.runSync(Float32Array.of(-1e18, 0, 1e18))[0]).toBeCloseTo(1 - Math.sqrt(1.5), 5);
  });
});
