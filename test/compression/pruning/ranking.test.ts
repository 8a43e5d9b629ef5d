import { expect, it } from 'vitest';
import { marked } from '../../../lib/compression/pruning/ranking';
import { expectError } from '../../support/errors';

const lists = [Float64Array.of(3, 1, 2, 1), Float64Array.of(0, 5, 1)];

it.each([
  [0, [0, 0, 0, 0], [0, 0, 0]],
  [1, [0, 0, 0, 0], [1, 0, 0]],
  [2, [0, 1, 0, 0], [1, 0, 0]],
  [4, [0, 1, 0, 1], [1, 0, 1]],
  [5, [0, 1, 1, 1], [1, 0, 1]],
  [-3, [0, 0, 0, 0], [0, 0, 0]],
])('the %i smallest, equal ones in order', (count, first, second) => {
  expect(marked(lists, count).map((list) => [...list])).toEqual([first, second]);
});

it('each list keeps its largest', () => {
  expect(marked(lists, 100).map((list) => [...list])).toEqual([
    [0, 1, 1, 1],
    [1, 0, 1],
  ]);
  expect(marked([Float64Array.of(0)], 1)[0]![0]).toBe(0);
});

it('finite scores alone', () => {
  expectError(() => marked([Float64Array.of(1, Number.NaN)], 1), 'ERR_ARGUMENT', /finite/);
});
