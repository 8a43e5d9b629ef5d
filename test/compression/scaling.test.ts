import { describe, expect, it } from 'vitest';
import { linearNodes } from '../../lib/compression/rebuild';
import {
  balance,
  limited,
  MAX_FACTOR,
  nearestPowerOfTwo,
  ScaledWeights,
} from '../../lib/compression/scaling';
import { layerNorm, linear, MLP } from '../../lib/index';
import type { LayerNormNode } from '../../lib/models/graph';

const weight = Float32Array.of(1, -2, 3, 4);
const bias = Float32Array.of(8, 16);
const dense = (name: string) => linear({ inFeatures: 2, outFeatures: 2, weight, bias, name });

describe('ScaledWeights', () => {
  it('moves factors from rows and biases into columns', () => {
    const model = new MLP([dense('a'), dense('b')]);
    const [a, b] = linearNodes(model.graph);
    const weights = new ScaledWeights(model);
    expect([...weights.of(a!).rowMaxima()]).toEqual([2, 4]);
    expect([...weights.of(a!).columnMaxima()]).toEqual([3, 4]);
    weights.move(a!, [b!], Float64Array.of(2, 0.5));
    expect(weights.rebuilt({ step: 'test' }).layers).toMatchObject([
      { weight: Float32Array.of(0.5, -1, 6, 8), bias: Float32Array.of(4, 32) },
      { weight: Float32Array.of(2, -1, 6, 2), bias },
    ]);
    expect(model.layers).toMatchObject([{ weight }, { weight }]);
  });

  it('or from gamma and beta, also where there are none', () => {
    const model = new MLP([{ ...layerNorm({ features: 2, bias }), name: 'norm' }, dense('a')]);
    const weights = new ScaledWeights(model);
    const norm = model.graph.nodes[0] as LayerNormNode;
    const twice = () => weights.move(norm, linearNodes(model.graph), Float64Array.of(2, 4));
    twice();
    twice();
    expect(weights.rebuilt({ step: 'test' }).layers[0]).toMatchObject({
      weight: Float32Array.of(1 / 4, 1 / 16),
      bias: Float32Array.of(2, 1),
    });
  });
});

it('factors stay within bounds, and are 1 where there is nothing to balance', () => {
  expect(balance(4, 1)).toBe(2);
  expect(balance(0, 1)).toBe(1);
  expect(balance(1, 0)).toBe(1);
  expect(balance(Number.POSITIVE_INFINITY, 1)).toBe(1);
  expect(balance(1e30, 1e-30)).toBe(MAX_FACTOR);
  expect(limited(1e-30)).toBe(1 / MAX_FACTOR);
});

it.each([
  [1, 1],
  [1.41, 1],
  [1.42, 2],
  [0.7, 0.5],
  [0.71, 1],
  [3, 4],
  [1000, 1024],
  [1 / 1000, 1 / 1024],
])('the power of two next to %d is %d', (x, power) => {
  expect(nearestPowerOfTwo(x)).toBe(power);
});
