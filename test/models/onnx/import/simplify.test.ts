import { describe, expect, it } from 'vitest';
import { dense, imported, ops, run } from './support';

describe('simplify', () => {
  it('leaves out what the output does not depend on', async () => {
    const graph = await imported((b) => {
      dense(b, b.node('Tanh', ['x']));
      return b.node('Relu', ['x']);
    });
    expect(ops(graph)).toEqual(['relu']);
  });

  it('a factor that others besides a linear node read gets a node of its own', async () => {
    const graph = await imported((b) => {
      const y = b.node('Mul', [b.node('Relu', ['x']), b.scalar(2)]);
      return b.node('Add', [y, dense(b, y)]);
    });
    expect(ops(graph)).toEqual(['relu', 'linear', 'linear', 'add']);
    expect(run(graph, [0, 0, 1])).toEqual([16, 32, 50]);
  });

  it('a linear node that is read as it is, and with a factor, stays as it is', async () => {
    const graph = await imported((b) => {
      const h = b.node('Relu', [dense(b)]);
      return b.node('Concat', [h, b.node('Mul', [h, b.scalar(2)])], { axis: { int: 1 } });
    });
    expect(run(graph, [0, 0, 1])).toEqual([13, 26, 39, 26, 52, 78]);
  });

  it('factors before and behind a linear node go into it', async () => {
    const graph = await imported((b) => {
      const x = b.node('Div', [b.node('Sub', ['x', b.scalar(1)]), b.scalar(2)]);
      return b.node('Neg', [dense(b, x)]);
    });
    expect(ops(graph)).toEqual(['linear']);
    expect(run(graph, [1, 1, 3])).toEqual([-13, -26, -39]);
  });

  it('weights that two nodes share are not changed', async () => {
    const graph = await imported((b) => {
      const w = b.floats(Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), [3, 3]);
      const first = b.node('Mul', [b.node('Gemm', ['x', w], { transB: { int: 1 } }), b.scalar(3)]);
      return b.node('Gemm', [b.node('Relu', [first]), w], { transB: { int: 1 } });
    });
    expect(run(graph, [1, 2, 3])).toEqual([3, 6, 9]);
  });
});
