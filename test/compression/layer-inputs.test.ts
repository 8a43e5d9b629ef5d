import { expect, it } from 'vitest';
import { layerInputs } from '../../lib/compression/layer-inputs';
import { linearNodes } from '../../lib/compression/rebuild';
import { linear, MLP, relu } from '../../lib/index';
import { randomLinear } from '../support/models';
import { Seeded } from '../support/random';

it('the products of what both networks show a layer, over more rows than a chunk', () => {
  const random = new Seeded(3);
  const first = () => randomLinear(random, 3, 5, 'a');
  const second = linear({ name: 'b', inFeatures: 5, outFeatures: 2, weight: random.normals(10) });
  const [float, rounded] = [new MLP([first(), relu(), second]), new MLP([first(), relu(), second])];
  const rows = random.normals(3 * 700);
  const found = layerInputs(float, rounded, linearNodes(float.graph)[1]!, rows);
  expect([found.inFeatures, found.rows]).toEqual([5, 700]);

  const hidden = (model: MLP) => {
    let shown = new Float32Array();
    model.observe(rows, (name, data) => {
      if (name === model.graph.nodes[1]!.output) shown = data.slice();
    });
    return shown;
  };
  const [x, rx] = [hidden(float), hidden(rounded)];
  for (let i = 0; i < 5; i++)
    for (let j = 0; j < 5; j++) {
      let [gram, cross] = [0, 0];
      for (let r = 0; r < 700; r++) {
        gram += rx[5 * r + i]! * rx[5 * r + j]!;
        cross += x[5 * r + i]! * rx[5 * r + j]!;
      }
      expect(found.gram[5 * i + j]! / gram).toBeCloseTo(1, 4);
      expect(found.cross[5 * i + j]! / cross).toBeCloseTo(1, 4);
    }
});
