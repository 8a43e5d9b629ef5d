import { describe, expect, it } from 'vitest';
import { type GraphParts, graph, node, tensor, value } from '../../../lib/formats/onnx';
import { AttributeProto_AttributeType as AttributeType } from '../../../lib/formats/onnx/onnx_pb';
import { expectCode } from '../support';

describe('node', () => {
  it('is named after its first output', () => {
    const { name, opType, input, output, domain } = node('Relu', ['x', ''], ['y', 'z'], {}, 'com.microsoft');
    expect({ name, opType, input, output, domain }).toEqual({
      name: 'y',
      opType: 'Relu',
      input: ['x', ''],
      output: ['y', 'z'],
      domain: 'com.microsoft',
    });
  });

  it('or as it is told', () => {
    expect(node('Relu', ['x'], ['y'], {}, '', 'act').name).toBe('act');
  });

  it('writes each attribute in the field that its type names', () => {
    const t = tensor('t', 'int8', [1], Int8Array.of(1));
    const { attribute } = node('Any', [], ['y'], {
      int: { int: -3 },
      float: { float: 0.1 },
      string: { string: 'é' },
      tensor: { tensor: t },
      ints: { ints: [1, 2] },
      floats: { floats: [0.1, 2] },
    });
    const by = Object.fromEntries(attribute.map((a) => [a.name, a]));
    expect([by['int']?.type, by['int']?.i]).toEqual([AttributeType.INT, -3n]);
    expect([by['float']?.type, by['float']?.f]).toEqual([AttributeType.FLOAT, Math.fround(0.1)]);
    expect([by['string']?.type, by['string']?.s]).toEqual([AttributeType.STRING, Uint8Array.of(0xc3, 0xa9)]);
    expect([by['tensor']?.type, by['tensor']?.t]).toEqual([AttributeType.TENSOR, t]);
    expect([by['ints']?.type, by['ints']?.ints]).toEqual([AttributeType.INTS, [1n, 2n]]);
    expect([by['floats']?.type, by['floats']?.floats]).toEqual([AttributeType.FLOATS, [Math.fround(0.1), 2]]);
  });

  it('refuses what is no node', () => {
    expectCode('ERR_ARGUMENT', () => node('', [], ['y']));
    expectCode('ERR_ARGUMENT', () => node('Relu', ['x'], []));
    expectCode('ERR_ARGUMENT', () => node('Relu', ['x'], ['']));
    expectCode('ERR_ARGUMENT', () => node('Gemm', ['x'], ['y'], { transB: { int: 0.5 } }));
    expectCode('ERR_ARGUMENT', () => node('Gemm', ['x'], ['y'], { axes: { ints: [2 ** 60] } }));
  });
});

describe('value', () => {
  it('has sizes and names as dimensions', () => {
    const { type } = value('x', 'uint8', ['rows', 3]);
    const tensorType = type?.value.case === 'tensorType' ? type.value.value : undefined;
    expect(tensorType?.elemType).toBe(2);
    expect(tensorType?.shape?.dim.map((d) => d.value)).toEqual([
      { case: 'dimParam', value: 'rows' },
      { case: 'dimValue', value: 3n },
    ]);
  });

  it('refuses other dimensions, and no name', () => {
    expectCode('ERR_SHAPE', () => value('x', 'float32', ['']));
    expectCode('ERR_SHAPE', () => value('x', 'float32', [-1]));
    expectCode('ERR_ARGUMENT', () => value('', 'float32', [1]));
    expectCode('ERR_DTYPE', () => value('x', 'float16' as never, [1]));
  });
});

describe('graph', () => {
  const parts: GraphParts = {
    name: 'g',
    inputs: [value('x', 'float32', [1])],
    outputs: [value('y', 'float32', [1])],
    initializers: [tensor('w', 'float32', [1], Float32Array.of(1))],
    nodes: [node('Add', ['x', 'w', ''], ['h']), node('Relu', ['h'], ['y', ''])],
  };

  it('keeps the order of nodes; empty names are no values', () => {
    expect(graph(parts).node.map((n) => n.opType)).toEqual(['Add', 'Relu']);
  });

  it('refuses a value that is read before it is written, or written twice', () => {
    const [add, relu] = parts.nodes as [GraphParts['nodes'][0], GraphParts['nodes'][0]];
    expectCode('ERR_ARGUMENT', () => graph({ ...parts, nodes: [relu, add] }));
    expectCode('ERR_ARGUMENT', () => graph({ ...parts, nodes: [add, add, relu] }));
    expectCode('ERR_ARGUMENT', () => graph({ ...parts, inputs: [...parts.inputs, ...parts.inputs] }));
    expectCode('ERR_ARGUMENT', () => graph({ ...parts, outputs: [value('z', 'float32', [1])] }));
    expectCode('ERR_ARGUMENT', () => graph({ ...parts, name: '' }));
  });
});
