import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { floatOnnx } from '../../../lib/cli/benchmark/onnx-float';
import * as writer from '../../../lib/formats/onnx';
import { ModelProtoSchema } from '../../../lib/formats/onnx/onnx_pb';
import { clip, concat, layerNorm, linear, logSoftmax, MLP, residual, softmax } from '../../../lib/index';
import { ACTIVATIONS } from '../../support/models';

function graphOf(layers: ConstructorParameters<typeof MLP>[0]) {
  using model = new MLP(layers);
  return fromBinary(ModelProtoSchema, floatOnnx(model.graph, writer)).graph!;
}

describe('floatOnnx', () => {
  it('a Gemm of [out, in] weights, with and without bias', () => {
    const { node, initializer, input, output } = graphOf([
      linear({ inFeatures: 3, outFeatures: 5, name: 'a' }),
      linear({ inFeatures: 5, outFeatures: 2, name: 'b', bias: false }),
    ]);
    expect(node.map(({ opType, input: reads }) => [opType, reads.length])).toEqual([
      ['Gemm', 3],
      ['Gemm', 2],
    ]);
    expect(node[0]!.attribute.map(({ name, i }) => [name, i])).toEqual([['transB', 1n]]);
    expect(initializer.map(({ dims }) => dims.map(Number))).toEqual([[5, 3], [5], [2, 5]]);
    expect([input[0]!.name, output[0]!.name]).toEqual(['input', 'b']);
  });

  it.each([
    ['relu', ['Relu']],
    ['relu6', ['Clip']],
    ['clip', ['Clip']],
    ['leakyRelu', ['LeakyRelu']],
    ['elu', ['Elu']],
    ['hardSigmoid', ['HardSigmoid']],
    ['hardSwish', ['HardSwish']],
    ['sigmoid', ['Sigmoid']],
    ['tanh', ['Tanh']],
    ['gelu', ['Gelu']],
    ['geluTanh', ['Gelu']],
    ['silu', ['Sigmoid', 'Mul']],
  ])('%s', (name, operators) => {
    const { node } = graphOf([linear({ inFeatures: 2, outFeatures: 2 }), ACTIVATIONS[name]!()]);
    expect(node.slice(1).map(({ opType }) => opType)).toEqual(operators);
  });

  it('attributes under the names of ONNX', () => {
    const { node } = graphOf([linear({ inFeatures: 2, outFeatures: 2 }), ACTIVATIONS['leakyRelu']!()]);
    expect(node[1]!.attribute.map(({ name, f }) => [name, f])).toEqual([['alpha', Math.fround(0.1)]]);
  });

  it('branches and what works on rows', () => {
    const { node } = graphOf([
      concat([[linear({ inFeatures: 2, outFeatures: 3 })], [clip(0, 1)]]),
      residual([softmax()]),
      logSoftmax(),
      layerNorm({ features: 5, bias: new Float32Array(5) }),
    ]);
    expect(node.map(({ opType }) => opType)).toEqual([
      'Gemm',
      'Clip',
      'Concat',
      'Softmax',
      'Add',
      'LogSoftmax',
      'LayerNormalization',
    ]);
    const norm = node.at(-1)!;
    expect(norm.input).toHaveLength(3);
    expect(norm.attribute.map(({ name, i, f }) => [name, i, f])).toEqual([
      ['axis', -1n, 0],
      ['epsilon', 0n, Math.fround(1e-5)],
    ]);
  });
});
