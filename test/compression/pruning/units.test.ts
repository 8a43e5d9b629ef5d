import { expect, it } from 'vitest';
import {
  groupCount,
  groupRows,
  unitCount,
  unitSums,
  withoutUnits,
  zeroShare,
} from '../../../lib/compression/pruning/units';

// Six outputs in groups of four and two, of two inputs.
const grid = { height: 4, outFeatures: 6, inFeatures: 2 };
const weight = Float32Array.from({ length: 12 }, (_, i) => i + 1);

it('blocks of four outputs of one input; the last ones may be lower', () => {
  expect(groupCount(grid)).toBe(2);
  expect(unitCount(grid)).toBe(4);
  expect(groupRows(grid, 1)).toEqual({ first: 4, end: 6 });
  expect([...unitSums(grid, Float64Array.from(weight))]).toEqual([16, 20, 20, 22]);
});

it('taken out', () => {
  const pruned = withoutUnits(grid, weight, Uint8Array.of(0, 1, 1, 0));
  expect([...pruned]).toEqual([1, 0, 3, 0, 5, 0, 7, 0, 0, 10, 0, 12]);
  expect(zeroShare(grid, pruned)).toBe(0.5);
  expect(zeroShare({ ...grid, height: 1 }, pruned)).toBe(0.5);
  expect(zeroShare(grid, weight)).toBe(0);
});
