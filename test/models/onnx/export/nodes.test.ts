import { describe, expect, it } from 'vitest';
import {
  calibrate,
  concat,
  linear,
  logSoftmax,
  MLP,
  quantize,
  residual,
  softmax,
  tanh,
} from '../../../../lib/index';
import { exported, operators } from './support';

const layers = [
  linear({ inFeatures: 3, outFeatures: 3 }),
  residual([linear({ inFeatures: 3, outFeatures: 3 }), tanh()]),
  concat([[], [softmax()]]),
  linear({ inFeatures: 6, outFeatures: 2 }),
  logSoftmax(),
];

describe('NodeWriter', () => {
  it('branches and what works on rows', () => {
    using model = new MLP(layers);
    const graph = exported(model);
    expect(operators(graph)).toEqual([
      'Gemm',
      'Gemm',
      'Tanh',
      'Add',
      'Softmax',
      'Concat',
      'Gemm',
      'LogSoftmax',
    ]);
    const axes = (opset: number) =>
      exported(model, opset).node.flatMap(({ attribute }) =>
        attribute.flatMap(({ name, i }) => (name === 'axis' ? [Number(i)] : [])),
      );
    expect(axes(13)).toEqual([-1, 1, -1]);
    expect(axes(12)).toEqual([1, 1, 1]);
  });

  it('between codes: each value read through one DequantizeLinear, written through a QuantizeLinear', async () => {
    const float = new MLP(layers);
    const ranges = await calibrate(float, Float32Array.of(1, 2, 3, -1, 0, 1), { method: 'minmax' });
    using model = quantize(float, ranges, { output: 'int8' });
    const graph = exported(model);
    const count = (opType: string) => operators(graph).filter((op) => op === opType).length;
    const codes = [...model.graph.values.values()].filter(({ dtype }) => dtype !== 'float32').length;
    expect(count('QuantizeLinear')).toBe(codes);
    const weightsAndBiases = 6;
    const explicit = model.graph.nodes.filter(({ op }) => op === 'dequantize').length;
    expect(count('DequantizeLinear')).toBe(codes - 1 + weightsAndBiases + explicit);
    for (const { name, output } of model.graph.nodes) {
      expect(
        graph.node.some((node) => node.name === name),
        name,
      ).toBe(true);
      expect(
        graph.node.some((node) => node.output.includes(output)),
        output,
      ).toBe(true);
    }
  });
});
