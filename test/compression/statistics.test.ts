import { expect, it } from 'vitest';
import { Job } from '../../lib/compression/job';
import { featureMaxima, featureMeans } from '../../lib/compression/statistics';
import { calibrate, linear, MLP, quantize, relu } from '../../lib/index';
import { Seeded } from '../support/random';

const weight = Float32Array.of(1, 0, 0, 1);
const model = new MLP([linear({ inFeatures: 2, outFeatures: 2, weight, name: 'a' }), relu()]);
/** More than one chunk. */
const rows = new Seeded(2101).normals(2 * 1300);
const job = new Job({}, 'test', 1);
const column = (k: number) => [...rows].filter((_, i) => i % 2 === k);
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

it('means and maxima of features over all rows', async () => {
  const means = await featureMeans(model.graph, rows, new Set(['input', '1']), job);
  expect([...means.keys()]).toEqual(['input', '1']);
  const maxima = await featureMaxima(model.graph, rows, new Set(['a']), job);
  for (const k of [0, 1]) {
    expect(means.get('input')![k]).toBeCloseTo(mean(column(k)), 12);
    expect(means.get('1')![k]).toBeCloseTo(mean(column(k).map((x) => Math.max(x, 0))), 12);
    expect(maxima.get('a')![k]).toBe(Math.max(...column(k).map(Math.abs)));
  }
});

it('of codes: the reals they stand for', async () => {
  using int8 = quantize(model, await calibrate(model, rows, { method: 'minmax' }));
  const means = await featureMeans(int8.graph, rows, new Set(['input']), job);
  expect(means.get('input')![0]).toBeCloseTo(mean(column(0)), 2);
});

it('stops when it is aborted', async () => {
  const abort = new AbortController();
  const stopped = new Job({ signal: abort.signal }, 'test', 1);
  abort.abort(new Error('enough'));
  await expect(featureMeans(model.graph, rows, new Set(['a']), stopped)).rejects.toThrow('enough');
});
