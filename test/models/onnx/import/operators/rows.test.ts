import { describe, expect, it } from 'vitest';
import { expectRejection } from '../../../../support/errors';
import type { OnnxBuilder } from '../../../../support/onnx-builder';
import { dense, imported, ops, run } from '../support';

describe('Softmax and LogSoftmax', () => {
  const softmax = (axis: number | undefined, opset: number, sizes?: number[]) =>
    imported((b) => b.node('Softmax', ['x'], axis === undefined ? {} : { axis: { int: axis } }), {
      opset,
      ...(sizes && { sizes }),
    });

  it('go over the features of a row', async () => {
    for (const [axis, opset] of [
      [undefined, 7],
      [1, 12],
      [-1, 12],
      [undefined, 13],
      [-1, 13],
      [1, 13],
    ] as const)
      expect(ops(await softmax(axis, opset))).toEqual(['softmax']);
    expect(ops(await imported((b) => b.node('LogSoftmax', ['x'])))).toEqual(['logSoftmax']);
  });

  it('before opset 13 over all from the axis on, then over one dimension', async () => {
    expect(ops(await softmax(1, 12, [2, 3]))).toEqual(['softmax']);
    await expectRejection(softmax(1, 13, [2, 3]), 'ERR_UNSUPPORTED', /axis 1/);
    await expectRejection(softmax(-1, 12, [2, 3]), 'ERR_UNSUPPORTED', /axis 2/);
    await expectRejection(softmax(0, 13), 'ERR_UNSUPPORTED', /axis 0/);
    await expectRejection(softmax(5, 13), 'ERR_UNSUPPORTED', /axis 5/);
  });
});

describe('BatchNormalization', () => {
  const normalize = (b: OnnxBuilder, x: string) => {
    const [scale, bias, mean, variance] = [
      [1, 2, 4],
      [0, 1, 0],
      [1, 0, 0],
      [3, 0, 0],
    ].map((v) => b.floats(Float32Array.from(v)));
    return b.node('BatchNormalization', [x, scale!, bias!, mean!, variance!], { epsilon: { float: 1 } });
  };

  it('becomes part of the linear node before it', async () => {
    const graph = await imported((b) => b.node('Relu', [normalize(b, dense(b))]));
    expect(ops(graph)).toEqual(['linear', 'relu']);
    expect(run(graph, [0, 0, 1])).toEqual([6, 53, 156]);
  });

  it('else of those behind it', async () => {
    const graph = await imported((b) => {
      const x = normalize(b, b.node('Relu', [dense(b)]));
      return b.node('Concat', [dense(b, x), dense(b, x)], { axis: { int: 1 } });
    });
    expect(ops(graph)).toEqual(['linear', 'relu', 'linear', 'linear', 'concat']);
    expect(run(graph, [0, 0, 1]).slice(0, 3)).toEqual([
      6 + 106 + 468 + 10,
      24 + 265 + 936 + 20,
      42 + 424 + 1404 + 30,
    ]);
  });

  it('else a linear node of its own', async () => {
    const graph = await imported((b) => b.node('Relu', [normalize(b, b.node('Relu', ['x']))]));
    expect(ops(graph)).toEqual(['relu', 'linear', 'relu']);
    expect(run(graph, [3, 1, 2])).toEqual([1, 3, 8]);
  });

  it('of several features a channel', async () => {
    const graph = await imported((b) => normalize(b, 'x'), { sizes: [3, 2] });
    expect(run(graph, [1, 3, 1, 1, 1, 2])).toEqual([0, 1, 3, 3, 4, 8]);
  });

  it('in training: ERR_UNSUPPORTED', async () => {
    const build = imported((b) => {
      const ones = () => b.floats(new Float32Array(3).fill(1));
      return b.node('BatchNormalization', ['x', ones(), ones(), ones(), ones()], {
        training_mode: { int: 1 },
      });
    });
    await expectRejection(build, 'ERR_UNSUPPORTED', /training_mode/);
  });
});

describe('LayerNormalization', () => {
  it('takes its scale and bias, and what follows', async () => {
    const graph = await imported((b) => {
      const y = b.node('LayerNormalization', ['x', b.floats(Float32Array.of(1, 2, 3))], {
        epsilon: { float: 0.5 },
      });
      return b.node('Add', [b.node('Mul', [y, b.scalar(2)]), b.floats(Float32Array.of(0, 0, 1))]);
    });
    expect(graph.nodes).toMatchObject([
      { op: 'layerNorm', epsilon: 0.5, gamma: Float32Array.of(2, 4, 6), beta: Float32Array.of(0, 0, 1) },
    ]);
  });

  it('over a part of a row, or with parameters that are no numbers: coded errors', async () => {
    const norm = (sizes: number[], weight: Float32Array) =>
      imported((b) => b.node('LayerNormalization', ['x', b.floats(weight)]), { sizes });
    await expectRejection(norm([2, 3], new Float32Array(3)), 'ERR_UNSUPPORTED', /axis/);
    await expectRejection(norm([3], Float32Array.of(1, Number.NaN, 1)), 'ERR_FORMAT', /finite/);
    await expectRejection(norm([3], new Float32Array(2)), 'ERR_SHAPE');
  });
});
