import { describe, expect, it } from 'vitest';
import { layerNorm, linear, logSoftmax, MLP, softmax } from '../../lib/index';
import { expectError } from '../support/errors';
import * as functions from '../support/functions';
import { expectClose } from '../support/models';
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

it('layerNorm is for a later version', () => {
  expectError(() => layerNorm({ features: 4 }), 'ERR_UNSUPPORTED', /layerNorm/);
});
