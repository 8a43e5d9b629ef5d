import { expect, it } from 'vitest';
import { Job } from '../../../lib/compression/job';
import { Evidence, weightScores } from '../../../lib/compression/pruning/evidence';
import { diagonalOf } from '../../../lib/compression/pruning/hessian';
import { pruneSettings } from '../../../lib/compression/pruning/options';
import { linearNodes } from '../../../lib/compression/rebuild';
import { linear, MLP } from '../../../lib/index';
import { Seeded } from '../../support/random';

const random = new Seeded(3);
const weight = random.normals(6);
const model = new MLP([
  linear({ inFeatures: 3, outFeatures: 2, weight, name: 'a', bias: random.normals(2) }),
]);
const data = { inputs: random.normals(3 * 100), targets: random.uint8s(100).map((x) => x % 2) };
const [node] = linearNodes(model.graph);
const job = new Job({}, 'test', 1);

async function scores(options: Parameters<typeof pruneSettings>[2]) {
  const settings = pruneSettings(model, data, { sparsity: 0.5, ...options });
  const evidence = new Evidence(settings, job);
  const moments = (await evidence.moments(model.graph, ['input'])).get('input');
  const gradient = (await evidence.gradients(model.graph)).get('a');
  return { scores: weightScores(node!, settings, moments, gradient), moments, gradient };
}

it('the formula of each saliency, and no more evidence than it needs', async () => {
  const magnitude = await scores({ saliency: 'magnitude' });
  expect(magnitude).toEqual({
    scores: Float64Array.from(weight, Math.abs),
    moments: undefined,
    gradient: undefined,
  });
  const taylor = await scores({ saliency: 'taylor' });
  expect(taylor.moments).toBeUndefined();
  expect(taylor.scores).toEqual(taylor.gradient!.gradient.map((g, i) => Math.abs(g * weight[i]!)));
  const obd = await scores({ saliency: 'obd' });
  const h = diagonalOf(obd.moments!, true);
  expect(obd.scores).toEqual(Float64Array.from(weight, (w, i) => (h[i % 3]! * w * w) / 2));
  const fisher = await scores({ saliency: 'obd', curvature: 'fisher' });
  expect(fisher.moments).toBeUndefined();
  expect(fisher.scores).toEqual(fisher.gradient!.fisher.map((f, i) => (f * weight[i]! * weight[i]!) / 2));
});

it('rows are drawn by the seed', async () => {
  const of = async (seed: number) => (await scores({ saliency: 'obd', rows: 40, seed })).moments!;
  expect(await of(1)).toEqual(await of(1));
  expect(await of(1)).not.toEqual(await of(2));
  expect((await of(1))[0]).toBe(40);
});
