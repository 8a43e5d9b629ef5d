import { describe, expect, it } from 'vitest';
import { encodeModel, graph, node, tensor, value } from '../../lib/formats/onnx';
import { OrtModel, rowError } from './ort';

describe('onnxruntime-node', () => {
  it('runs what the writer writes', async () => {
    const bytes = encodeModel(
      graph({
        name: 'g',
        inputs: [value('x', 'float32', ['batch', 2])],
        outputs: [value('y', 'float32', ['batch', 1])],
        initializers: [tensor('w', 'float32', [1, 2], Float32Array.of(2, -1))],
        nodes: [node('Gemm', ['x', 'w'], ['y'], { transB: { int: 1 } })],
      }),
    );
    await using model = await OrtModel.load(bytes);
    expect([model.inputNames, model.outputNames]).toEqual([['x'], ['y']]);
    expect(await model.runFirst(Float32Array.of(1, 2, 3, 4), 2)).toEqual(Float32Array.of(0, 2));
  });
});

describe('rowError', () => {
  it('is relative to the largest number of the row', () => {
    expect(rowError([1, 10, 1, 1], [1, 10, 1.5, -2], 2)).toBe(1.5);
    expect(rowError([0, 0], [0, 0], 2)).toBe(0);
    expect(rowError([Number.NaN], [Number.NaN], 1)).toBe(0);
    expect(rowError([Number.NaN], [1], 1)).toBe(Number.POSITIVE_INFINITY);
    expect(rowError([1], [1, 2], 1)).toBe(Number.POSITIVE_INFINITY);
  });
});
