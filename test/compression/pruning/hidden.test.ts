import { expect, it } from 'vitest';
import { hiddenLayers, isHidden } from '../../../lib/compression/pruning/hidden';
import { concat, layerNorm, linear, MLP, relu, residual, sigmoid, tanh } from '../../../lib/index';

const dense = (name: string, inFeatures: number, outFeatures: number) =>
  linear({ inFeatures, outFeatures, name });
const shown = (model: MLP) =>
  hiddenLayers(model.graph).map((layer) =>
    isHidden(layer)
      ? `${layer.writer.name} → ${layer.readers.map(({ name }) => name)}`
      : `${layer.writer.name}: ${layer.reason}`,
  );

it('Linear layers behind elementwise nodes alone', () => {
  const model = new MLP([dense('a', 2, 3), relu(), tanh(), dense('b', 3, 4), dense('c', 4, 1)]);
  expect(shown(model)).toEqual(['a → b', 'b → c', "c: they are the model's output"]);
  const [a] = hiddenLayers(model.graph);
  expect(a).toMatchObject({ values: ['a', '1', '2'] });
});

it('several readers, through several nodes', () => {
  const model = new MLP([
    dense('a', 2, 3),
    concat([
      [relu(), dense('b', 3, 4)],
      [sigmoid(), dense('c', 3, 4)],
    ]),
    dense('d', 8, 1),
  ]);
  expect(shown(model)).toEqual([
    'a → b,c',
    "b: '1' (concat) reads them",
    "c: '1' (concat) reads them",
    "d: they are the model's output",
  ]);
});

it('not what an add or a layer norm reads', () => {
  const model = new MLP([
    dense('a', 2, 3),
    residual([dense('b', 3, 5), relu(), dense('c', 5, 3)]),
    { ...dense('d', 3, 4) },
    layerNorm({ features: 4 }),
    dense('e', 4, 1),
  ]);
  expect(shown(model)).toEqual([
    "a: '1' (add) reads them",
    'b → c',
    "c: '1' (add) reads them",
    "d: '3' (layerNorm) reads them",
    "e: they are the model's output",
  ]);
});
