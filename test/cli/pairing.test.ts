import { describe, expect, it } from 'vitest';
import { pairValues } from '../../lib/cli/pairing';
import { calibrate, gelu, linear, MLP, quantize, relu, residual, softmax } from '../../lib/index';
import { expectError } from '../support/errors';

const named = (...names: string[]) =>
  new MLP([
    linear({ inFeatures: 3, outFeatures: 4, name: names[0]! }),
    { ...relu(), name: names[1]! },
    linear({ inFeatures: 4, outFeatures: 2, name: names[2]! }),
    { ...softmax(), name: names[3]! },
  ]);
const float = named('a', 'b', 'c', 'd');

describe('pairValues', () => {
  it('by name, what both have: a fused layer has no value of its own', async () => {
    const ranges = await calibrate(float, Float32Array.of(1, 2, 3), { method: 'minmax' });
    using int8 = quantize(float, ranges);
    const { by, pairs } = pairValues(float.graph, int8.graph);
    expect(by).toBe('name');
    expect(pairs.map(({ a, b, features }) => [a, b, features])).toEqual([
      ['input', 'input', 3],
      ['b', 'b', 4],
      ['c', 'c', 2],
      ['d', 'd', 2],
    ]);
  });

  it('else by the order of Linear layers, behind their activations', async () => {
    const other = named('x', 'y', 'z', 'd');
    const ranges = await calibrate(other, Float32Array.of(1, 2, 3), { method: 'minmax' });
    using int8 = quantize(other, ranges);
    for (const graph of [other.graph, int8.graph])
      expect(pairValues(float.graph, graph)).toEqual({
        by: 'order',
        pairs: [
          { a: 'input', b: 'input', features: 3 },
          { a: 'b', b: 'y', features: 4 },
          { a: 'c', b: 'z', features: 2 },
        ],
      });
  });

  it('stops where a value is read twice', () => {
    const branched = (first: string, sum: string) =>
      new MLP([
        linear({ inFeatures: 2, outFeatures: 2, name: first }),
        { ...residual([{ ...gelu(), name: `${sum}.act` }]), name: sum },
      ]).graph;
    const { by, pairs } = pairValues(branched('a', 'b'), branched('x', 'y'));
    expect([by, pairs.slice(1).map(({ a, b }) => [a, b])]).toEqual(['order', [['a', 'x']]]);
  });

  it('refuses models whose Linear layers differ', () => {
    const wide = new MLP([
      linear({ inFeatures: 3, outFeatures: 5 }),
      linear({ inFeatures: 5, outFeatures: 2 }),
    ]);
    const deep = new MLP([linear({ inFeatures: 3, outFeatures: 2 })]);
    expectError(() => pairValues(float.graph, wide.graph), 'ERR_SHAPE', /4, 2 features .*'5, 2'/);
    expectError(() => pairValues(float.graph, deep.graph), 'ERR_SHAPE');
  });
});
