import { describe, expect, it } from 'vitest';
import { linear, MLP, type Model, quantize, relu, softmax } from '../../../../lib/index';
import { encodeOnnx } from '../../../../lib/models/onnx/export';
import { exportOnnx } from '../../../../lib/onnx';
import { expectError } from '../../../support/errors';
import { decoded, exported } from './support';

const layers = [
  linear({ inFeatures: 3, outFeatures: 4, name: 'hidden' }),
  relu(),
  linear({ inFeatures: 4, outFeatures: 2, bias: false }),
  softmax(),
];

describe('exportOnnx', () => {
  it('keeps the names of values and layers; rows are the dimension batch', () => {
    using model = new MLP(layers);
    const { node, input, output, initializer } = exported(model);
    expect(node.map(({ name, opType, output: [value] }) => [name, opType, value])).toEqual([
      ['hidden', 'Gemm', 'hidden'],
      ['1', 'Relu', '1'],
      ['2', 'Gemm', '2'],
      ['3', 'Softmax', '3'],
    ]);
    expect(initializer.map(({ name, dims }) => [name, dims.map(Number)])).toEqual([
      ['hidden.weight', [4, 3]],
      ['hidden.bias', [4]],
      ['2.weight', [2, 4]],
    ]);
    const port = (info: (typeof input)[0]) => {
      const type = info.type?.value.case === 'tensorType' ? info.type.value.value : undefined;
      return [info.name, type?.elemType, type?.shape?.dim.map(({ value }) => value.value)];
    };
    expect(input.map(port)).toEqual([['input', 1, ['batch', 3n]]]);
    expect(output.map(port)).toEqual([['3', 1, ['batch', 2n]]]);
  });

  it('names of users never meet names of constants', () => {
    using model = new MLP([
      linear({ inFeatures: 2, outFeatures: 2, name: 'a' }),
      { ...relu(), name: 'a.weight' },
      linear({ inFeatures: 2, outFeatures: 2, name: 'a.bias' }),
    ]);
    const { initializer, node } = exported(model);
    expect(initializer.map(({ name }) => name)).toEqual([
      'a.weight#2',
      'a.bias#2',
      'a.bias.weight',
      'a.bias.bias',
    ]);
    expect(node.map(({ output }) => output[0])).toEqual(['a', 'a.weight', 'a.bias']);
  });

  it('writes the opset, a file format of its time, and metadata', () => {
    using model = MLP.fromGraph(new MLP(layers).graph, { owner: 'me', requant: 'no' });
    for (const [opset, ir] of [
      [7, 4n],
      [17, 8n],
      [23, 11n],
    ] as const) {
      const { opsetImport, irVersion, metadataProps } = decoded(exportOnnx(model, { opset }));
      expect(opsetImport.map(({ version }) => version)).toEqual([BigInt(opset)]);
      expect(irVersion).toBe(ir);
      expect(metadataProps.map(({ key, value }) => [key, value])).toEqual([
        ['owner', 'me'],
        ['requant', '{"version":1,"kind":"float"}'],
      ]);
    }
    expect(decoded(exportOnnx(model)).opsetImport[0]!.version).toBe(17n);
  });

  it('the same model gives the same bytes', () => {
    using model = new MLP(layers);
    expect(exportOnnx(model)).toEqual(exportOnnx(model));
  });

  it('a model without nodes passes its input on', () => {
    const graph = {
      ...new MLP(layers).graph,
      output: 'input',
      nodes: [],
      values: new Map([['input', { features: 3, dtype: 'float32' as const }]]),
    };
    const { node, output } = decoded(encodeOnnx(graph, {}, 17)).graph!;
    expect([node[0]!.opType, output[0]!.name]).toEqual(['Identity', 'input/output']);
  });

  it('refuses what is no model, an unknown option, a disposed quantized model', () => {
    expectError(() => exportOnnx({} as Model), 'ERR_MODEL_KIND');
    using model = new MLP(layers);
    expectError(() => exportOnnx(model, { ops: 1 } as never), 'ERR_ARGUMENT');
    const quantized = quantize(model, null, { mode: 'dynamic' });
    quantized.dispose();
    expectError(() => exportOnnx(quantized), 'ERR_DISPOSED');
  });
});
