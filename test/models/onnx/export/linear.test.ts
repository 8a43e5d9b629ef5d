import { describe, expect, it } from 'vitest';
import { linear, MLP, quantize } from '../../../../lib/index';
import { constant, exported, operators } from './support';

const weight = Float32Array.of(1, -2, 3, 0.5, 0.25, -1);
const bias = Float32Array.of(0.5, -0.25);
const biased = new MLP([linear({ inFeatures: 3, outFeatures: 2, weight, bias, name: 'fc' })]);
const bare = new MLP([linear({ inFeatures: 3, outFeatures: 2, weight, name: 'fc' })]);
const calibration = {
  method: 'minmax',
  rows: 1,
  ranges: { input: { min: -1, max: 1 }, fc: { min: -4, max: 4 } },
  kept: Float32Array.of(1, 10, 100, -1, -10, -100),
  toJSON: () => ({}),
} as const;

describe('LinearWriter', () => {
  it('float: a Gemm, with a bias of zeros where an old opset wants one', () => {
    expect(exported(bare, 11).node[0]!.input).toEqual(['input', 'fc.weight']);
    const old = exported(bare, 10);
    expect(old.node[0]!.input).toEqual(['input', 'fc.weight', 'fc.bias']);
    expect([...constant(old, 'fc.bias')]).toEqual([0, 0]);
    expect([...constant(exported(biased, 10), 'fc.bias')]).toEqual([0.5, -0.25]);
  });

  it('static: weights and bias as codes, the bias in units of fl(sx·sw)', () => {
    using model = quantize(biased, calibration);
    const graph = exported(model);
    expect(operators(graph)).toEqual([
      'QuantizeLinear',
      'DequantizeLinear',
      'DequantizeLinear',
      'DequantizeLinear',
      'Gemm',
    ]);
    const [linearNode] = model.graph.nodes;
    if (linearNode?.op !== 'linear' || linearNode.weight.format !== 'int8') throw new Error('a static layer');
    const { scale, data } = linearNode.weight;
    const [sx] = model.input.scale!;
    expect([...constant(graph, 'fc.weight')]).toEqual([...data]);
    expect([...constant(graph, 'fc.weight/scale')]).toEqual([...scale]);
    expect([...constant(graph, 'fc.weight/zero_point')]).toEqual([0, 0]);
    expect([...constant(graph, 'fc.bias')]).toEqual([...linearNode.bias!]);
    expect([...constant(graph, 'fc.bias/scale')]).toEqual([...scale.map((sw) => Math.fround(sx! * sw))]);
    const axes = graph.node.map(({ attribute }) => attribute.map(({ name, i }) => `${name} ${i}`).join());
    expect(axes).toEqual(['', '', 'axis 0', 'axis 0', 'transB 1']);
  });

  it('per-feature inputs: a scale a column on the way in, scale 1 behind', () => {
    using model = quantize(biased, calibration, { inputs: 'per-feature', weights: 'per-tensor' });
    const graph = exported(model);
    const [quantizer, dequantizer] = graph.node;
    expect(quantizer!.attribute.map(({ name, i }) => [name, i])).toEqual([['axis', 1n]]);
    expect([...constant(graph, quantizer!.input[1]!)]).toEqual([...model.input.scale!]);
    expect([...constant(graph, dequantizer!.input[1]!)]).toEqual([1]);
    expect(graph.initializer.find(({ name }) => name === 'fc.weight/scale')!.dims).toEqual([]);
  });

  it('dynamic: MatMulInteger on [in, out] weights', () => {
    using model = quantize(biased, null, { mode: 'dynamic' });
    const graph = exported(model);
    expect(operators(graph)).toEqual(['DynamicQuantizeLinear', 'MatMulInteger', 'Cast', 'Mul', 'Mul', 'Add']);
    const codes = [...constant(exported(quantize(biased, null, { mode: 'weight-only' })), 'fc.weight')];
    const [a, b, c, d, e, f] = codes;
    expect([...constant(graph, 'fc.weight')]).toEqual([a, d, b, e, c, f]);
    expect(operators(exported(quantize(bare, null, { mode: 'dynamic' }))).at(-1)).toBe('Mul');
  });

  it('weight-only: float Gemm on dequantized weights', () => {
    using model = quantize(biased, null, { mode: 'weight-only' });
    expect(operators(exported(model))).toEqual(['DequantizeLinear', 'Gemm']);
  });

  it('int4: nibbles without padding, a scale a block', () => {
    using model = quantize(biased, null, { mode: 'weight-only', format: 'int4', groupSize: 32 });
    const graph = exported(model);
    const tensor = graph.initializer.find(({ name }) => name === 'fc.weight')!;
    expect([tensor.dataType, tensor.dims]).toEqual([22, [2n, 3n]]);
    // 1, −2, 3 by 3/7 and 0.5, 0.25, −1 by 1/7, scales rounded up to 8 bits: 2, −5, 7 and 3, 2, −7.
    expect([...tensor.rawData]).toEqual([0xb2, 0x37, 0x92]);
    expect(graph.initializer.find(({ name }) => name === 'fc.weight/scale')!.dims).toEqual([2n, 1n]);
    expect(graph.node[0]!.attribute.map(({ name, i }) => [name, i])).toEqual([
      ['axis', 1n],
      ['block_size', 32n],
    ]);
  });
});
