import { describe, expect, it } from 'vitest';
import { linear, MLP } from '../../lib/index';
import type { LinearLayer } from '../../lib/layers/linear';
import { expectError } from '../support/errors';

const shape = { inFeatures: 3, outFeatures: 2 };
const weight = Float32Array.of(1, 2, 3, 4, 5, 6);

describe('linear', () => {
  it('is frozen data with its arrays', () => {
    const bias = Float32Array.of(7, 8);
    const layer = linear({ ...shape, weight, bias, name: 'fc' });
    expect(layer).toEqual({ type: 'linear', ...shape, weight, bias, name: 'fc' });
    expect(Object.isFrozen(layer)).toBe(true);
  });

  it.each([
    [{}, { bias: true }],
    [{ bias: false }, { bias: false }],
    [{ weight }, { weight, bias: false }],
    [
      { weight, bias: true },
      { weight, bias: true },
    ],
    [{ bias: Float32Array.of(1, 2) }, { bias: Float32Array.of(1, 2) }],
  ])('defaults of %o', (given, completed) => {
    expect(linear({ ...shape, ...given })).toEqual({ type: 'linear', ...shape, ...completed });
  });

  it('draws what is missing when a model is made', () => {
    const [layer] = new MLP([linear({ ...shape, weight, bias: true })]).layers as LinearLayer[];
    expect(layer!.weight).toEqual(weight);
    expect(layer!.bias).toHaveLength(2);
  });

  it.each([
    ['nothing', undefined, 'ERR_ARGUMENT'],
    ['null', null, 'ERR_ARGUMENT'],
    ['a misspelt option', { ...shape, wieght: weight }, 'ERR_ARGUMENT'],
    ['no inputs', { inFeatures: 0, outFeatures: 2 }, 'ERR_ARGUMENT'],
    ['half an output', { inFeatures: 3, outFeatures: 1.5 }, 'ERR_ARGUMENT'],
    ['too many features', { inFeatures: 2 ** 24 + 1, outFeatures: 1 }, 'ERR_ARGUMENT'],
    ['missing features', { inFeatures: 3 }, 'ERR_ARGUMENT'],
    ['float64 weights', { ...shape, weight: new Float64Array(6) }, 'ERR_DTYPE'],
    ['a short weight', { ...shape, weight: new Float32Array(5) }, 'ERR_SHAPE'],
    ['a bias for the inputs', { ...shape, bias: new Float32Array(3) }, 'ERR_SHAPE'],
    ['a bias as plain numbers', { ...shape, bias: [1, 2] }, 'ERR_DTYPE'],
  ] as const)('refuses %s', (_, options, code) => {
    expectError(() => linear(options as unknown as Parameters<typeof linear>[0]), code);
  });
});
