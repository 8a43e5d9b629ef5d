import { describe, expect, it } from 'vitest';
import { expectRejection } from '../../../../support/errors';
import type { OnnxBuilder } from '../../../../support/onnx-builder';
import { imported } from '../support';

function taken(b: OnnxBuilder, { epsilon = 0.25, exponent = 2, keepdims = 1 } = {}) {
  const mean = (x: string) =>
    b.node('ReduceMean', [x], { axes: { ints: [-1] }, keepdims: { int: keepdims } });
  const centered = b.node('Sub', ['x', mean('x')]);
  const variance = mean(b.node('Pow', [centered, b.scalar(exponent)]));
  return { centered, deviation: b.node('Sqrt', [b.node('Add', [variance, b.scalar(epsilon)])]) };
}

describe('layer norm in parts', () => {
  it('is put together again', async () => {
    const graph = await imported((b) => {
      const { centered, deviation } = taken(b);
      const y = b.node('Div', [centered, deviation]);
      return b.node('Add', [b.node('Mul', [y, b.floats(Float32Array.of(1, 2, 3))]), b.scalar(4)]);
    });
    expect(graph.nodes).toMatchObject([
      { op: 'layerNorm', epsilon: 0.25, gamma: Float32Array.of(1, 2, 3), beta: Float32Array.of(4, 4, 4) },
    ]);
  });

  it.each([
    ['another power', { exponent: 3 }],
    ['a negative epsilon', { epsilon: -1 }],
    ['means without their dimension', { keepdims: 0 }],
  ])('with %s is ERR_UNSUPPORTED', async (_, options) => {
    const build = imported((b) => {
      const { centered, deviation } = taken(b, options);
      return b.node('Div', [centered, deviation]);
    });
    await expectRejection(build, 'ERR_UNSUPPORTED', /ReduceMean|Div/);
  });
});
