import { expect, it } from 'vitest';
import { liveWeights, summary } from '../../../lib/compression/pruning/summary';
import { linear, MLP } from '../../../lib/index';

it('zero weights and zero blocks of each layer', () => {
  // Five outputs of two inputs: the first block is 0 but for one weight, the second is 0; the last block has one output.
  const weight = Float32Array.of(0, 0, 1, 0, 0, 0, 0, 0, 1, 0);
  const model = new MLP([linear({ inFeatures: 2, outFeatures: 5, weight, name: 'a' })]);
  expect(summary(model)).toEqual({
    a: { outFeatures: 5, inFeatures: 2, sparsity: 0.8, blockSparsity: 0.5 },
  });
  expect(liveWeights(model)).toBe(2);
});
