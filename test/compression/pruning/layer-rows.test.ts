import { expect, it } from 'vitest';
import { changeOf, floatRows, keptMeans } from '../../../lib/compression/pruning/layer-rows';
import { linearNodes } from '../../../lib/compression/rebuild';
import { linear, MLP } from '../../../lib/index';

const weight = Float32Array.of(1, 2, 3, 4, 5, 6);
const bias = Float32Array.of(7, 8, 9);
const [node] = linearNodes(new MLP([linear({ inFeatures: 2, outFeatures: 3, weight, bias })]).graph);

it('rows of float64, each behind its bias, and back', () => {
  expect(floatRows(node!, 2, true, { first: 1, end: 3 })).toEqual([
    Float64Array.of(8, 3, 4),
    Float64Array.of(9, 5, 6),
  ]);
  expect(floatRows(node!, 2, false, { first: 0, end: 1 })).toEqual([Float64Array.of(1, 2)]);
  const all = { first: 0, end: 3 };
  expect(changeOf(floatRows(node!, 2, true, all), true)).toEqual({ weight, bias });
  expect(changeOf(floatRows(node!, 2, false, all), false)).toEqual({ weight });
});

it('a bias that keeps the mean', () => {
  const pruned = Float32Array.of(0, 2, 3, 0, 0, 0);
  expect(keptMeans(node!, pruned, Float64Array.of(10, 100))).toEqual(Float32Array.of(17, 408, 659));
});
