import { describe, expect, it } from 'vitest';
import { linear, MLP } from '../../../../lib/index';
import type { CodesValue, Graph } from '../../../../lib/models/graph';
import { encodeOnnx } from '../../../../lib/models/onnx/export';
import { constant, decoded, operators } from './support';

const float = new MLP([linear({ inFeatures: 2, outFeatures: 2 })]).graph;

/** A graph that turns its input into codes of this grid. */
function codesGraph(grid: Partial<CodesValue>, inputGrid?: Partial<CodesValue>): Graph {
  const codes = { features: 2, dtype: 'uint8', scale: Float32Array.of(0.25), zeroPoint: 128 } as const;
  return {
    ...float,
    kind: 'quantized',
    input: 'x',
    output: 'y',
    values: new Map([
      ['x', inputGrid ? { ...codes, ...inputGrid } : { features: 2, dtype: 'float32' }],
      ['y', { ...codes, ...grid }],
    ]),
    nodes: inputGrid
      ? [{ name: 'join', op: 'concat', inputs: ['x'], output: 'y' }]
      : [{ name: 'q', op: 'quantize', inputs: ['x'], output: 'y' }],
  };
}

const written = (graph: Graph) => decoded(encodeOnnx(graph, {}, 17)).graph!;

describe('Values', () => {
  it.each([
    [{}, []],
    [{ min: 128 }, ['Relu']],
    [{ min: 128, max: 200 }, ['Clip', 0, 18]],
    [{ min: 100 }, ['Clip', -7]],
    [{ max: 130 }, ['Clip', 0.5]],
    [{ dtype: 'int8', zeroPoint: -3, min: -5, max: 7 } as const, ['Clip', -0.5, 2.5]],
  ])('clamps to %o as real numbers before it quantizes', (grid, [opType, ...bounds]) => {
    const graph = written(codesGraph(grid));
    expect(operators(graph)).toEqual([...(opType === undefined ? [] : [opType]), 'QuantizeLinear']);
    const inputs = graph.node[0]!.input.slice(1).filter((name) => name !== '');
    if (opType === 'Clip') expect(inputs.map((name) => constant(graph, name)[0])).toEqual(bounds);
    expect([graph.node.at(-1)!.name, graph.node.at(-1)!.output[0]]).toEqual(['q', 'y']);
  });

  it('takes float32 rows where the input is codes, clamped as the value says', () => {
    const graph = written(codesGraph({}, { max: 200 }));
    expect(operators(graph)).toEqual([
      'Clip',
      'QuantizeLinear',
      'DequantizeLinear',
      'Concat',
      'QuantizeLinear',
    ]);
    expect(graph.node[1]!.output).toEqual(['x/codes']);
    expect(graph.node[2]!.input[0]).toBe('x/codes');
    expect(graph.output[0]!.name).toBe('y');
    expect([...constant(graph, 'y/zero_point')]).toEqual([128]);
  });

  it('or codes, where it is told so', () => {
    const { input, node } = decoded(encodeOnnx(codesGraph({}, {}), {}, 17, true)).graph!;
    const type = input[0]!.type?.value.case === 'tensorType' ? input[0]!.type.value.value : undefined;
    expect([type?.elemType, node[0]!.opType, node[0]!.input[0]]).toEqual([2, 'DequantizeLinear', 'x']);
  });

  it('gives the codes of the input where that is the output', () => {
    const graph = codesGraph({}, {});
    const only = { ...graph, nodes: [], output: 'x', values: new Map([...graph.values].slice(0, 1)) };
    const { output, node } = written(only);
    expect([node.map(({ opType }) => opType), output[0]!.name]).toEqual([['QuantizeLinear'], 'x/codes']);
  });
});
