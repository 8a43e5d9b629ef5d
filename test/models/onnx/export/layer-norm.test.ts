import { describe, expect, it } from 'vitest';
import { layerNorm, linear, MLP } from '../../../../lib/index';
import { constant, exported, operators } from './support';

const one = linear({ inFeatures: 2, outFeatures: 3 });
const bare = new MLP([one, layerNorm({ features: 3, epsilon: 0.5 })]);
const affine = new MLP([
  one,
  {
    ...layerNorm({ features: 3, weight: Float32Array.of(1, 2, 3), bias: Float32Array.of(4, 5, 6) }),
    name: 'ln',
  },
]);

describe('writeLayerNorm', () => {
  it("as ONNX's operator, whose scale is not optional", () => {
    const graph = exported(bare, 17);
    expect(operators(graph)).toEqual(['Gemm', 'LayerNormalization']);
    expect([...constant(graph, '1.weight')]).toEqual([1, 1, 1]);
    const { attribute, input } = graph.node[1]!;
    expect(attribute.map(({ name, f, i }) => [name, name === 'axis' ? i : f])).toEqual([
      ['axis', -1n],
      ['epsilon', 0.5],
    ]);
    expect(input).toEqual(['0', '1.weight']);
    expect(exported(affine, 17).node[1]!.input).toEqual(['0', 'ln.weight', 'ln.bias']);
  });

  it('below opset 17 in its parts', () => {
    const steps = ['ReduceMean', 'Sub', 'Pow', 'ReduceMean', 'Add', 'Sqrt', 'Div', 'Mul'];
    expect(operators(exported(bare, 16)).slice(1)).toEqual(steps);
    const graph = exported(affine, 10);
    expect(operators(graph).slice(1)).toEqual([...steps, 'Add']);
    expect(graph.node.at(-1)!.name).toBe('ln');
    expect([...constant(graph, 'ln.bias')]).toEqual([4, 5, 6]);
    const axes = (opset: number) =>
      exported(affine, opset).node[1]!.attribute.find(({ name }) => name === 'axes')!.ints;
    expect([axes(10), axes(11)]).toEqual([[1n], [-1n]]);
  });
});
