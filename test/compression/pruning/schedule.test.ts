import { expect, it } from 'vitest';
import { sparsityAfter } from '../../../lib/compression/pruning/schedule';

it.each([
  ['linear', [0.2, 0.4, 0.6, 0.8]],
  ['cubic', [0.4625, 0.7, 0.7875, 0.8]],
] as const)('%s', (schedule, sparsities) => {
  for (const [i, sparsity] of sparsities.entries())
    expect(sparsityAfter(schedule, 0.8, i + 1, 4)).toBeCloseTo(sparsity, 12);
  expect(sparsityAfter(schedule, 0.8, 4, 4)).toBe(0.8);
});
