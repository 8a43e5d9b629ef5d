import { expect, it } from 'vitest';
import { hiddenLayers, isHidden } from '../../../lib/compression/pruning/hidden';
import { withoutNeurons } from '../../../lib/compression/pruning/smaller';
import { concat, MLP, relu, sigmoid } from '../../../lib/index';
import { randomLinear } from '../../support/models';
import { Seeded } from '../../support/random';

it('a smaller model: the same as one whose neurons are read with weights of 0', () => {
  const random = new Seeded(4);
  const model = new MLP([
    randomLinear(random, 4, 6, 'a'),
    concat([
      [relu(), randomLinear(random, 6, 3, 'b')],
      [sigmoid(), randomLinear(random, 6, 2, 'c')],
    ]),
  ]);
  const removed = Uint8Array.of(0, 1, 0, 0, 1, 0);
  const [layer] = hiddenLayers(model.graph).filter(isHidden);
  const smaller = MLP.fromGraph(withoutNeurons(model.graph, layer!, removed));
  expect(smaller.graph.values.get('a')!.features).toBe(4);
  expect(smaller.layers).toMatchObject([{ inFeatures: 4, outFeatures: 4 }, { type: 'concat' }]);
  const nodes = model.graph.nodes.map((node) =>
    node.op === 'linear' && node.name !== 'a'
      ? {
          ...node,
          weight: {
            format: 'float32' as const,
            data: (node.weight.data as Float32Array).map((w, i) => (removed[i % 6] ? 0 : w)),
          },
        }
      : node,
  );
  const rows = random.normals(4 * 20);
  expect(smaller.runSync(rows)).toEqual(MLP.fromGraph({ ...model.graph, nodes }).runSync(rows));
  expect(model.graph.values.get('a')!.features).toBe(6);
});
