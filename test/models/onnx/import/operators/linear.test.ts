import { describe, expect, it } from 'vitest';
import type { Attribute } from '../../../../../lib/formats/onnx';
import { expectRejection } from '../../../../support/errors';
import { dense, imported, ops, run } from '../support';

const W = Float32Array.of(1, 2, 3, 4, 5, 6);

describe('Gemm', () => {
  const gemm = (
    shape: [number, number],
    bias: Float32Array | undefined,
    dims: number[],
    attributes: Record<string, Attribute>,
  ) =>
    imported((b) =>
      b.node('Gemm', ['x', b.floats(W, shape), ...(bias ? [b.floats(bias, dims)] : [])], attributes),
    );

  it('is alpha·x·B + beta·C, B transposed or not', async () => {
    const outIn = await gemm([2, 3], Float32Array.of(10, 20), [2], { transB: { int: 1 } });
    expect(run(outIn, [1, 1, 1])).toEqual([6 + 10, 15 + 20]);
    const inOut = await gemm([3, 2], Float32Array.of(10, 20), [1, 2], {
      alpha: { float: 2 },
      beta: { float: -1 },
    });
    expect(run(inOut, [1, 1, 1])).toEqual([2 * 9 - 10, 2 * 12 - 20]);
    expect(ops(inOut)).toEqual(['linear']);
    const one = await gemm([3, 2], Float32Array.of(10), [], {});
    expect(run(one, [1, 1, 1])).toEqual([19, 22]);
  });

  it('without C has no bias, and with beta 0 either', async () => {
    for (const graph of [
      await gemm([2, 3], undefined, [], { transB: { int: 1 } }),
      await gemm([2, 3], Float32Array.of(1, 1), [2], { transB: { int: 1 }, beta: { float: 0 } }),
    ]) {
      expect(graph.nodes[0]).not.toHaveProperty('bias');
      expect(run(graph, [1, 0, 0])).toEqual([1, 4]);
    }
  });

  it('adds a value as C', async () => {
    const graph = await imported((b) => {
      const y = b.node('Relu', ['x']);
      const w = b.floats(Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), [3, 3]);
      return b.node('Gemm', [y, w, 'x']);
    });
    expect(ops(graph)).toEqual(['relu', 'linear', 'add']);
    expect(run(graph, [1, -2, 3])).toEqual([2, -2, 6]);
  });

  it('is named after its weights, as PyTorch names them, or after its node', async () => {
    const graph = await imported((b) => {
      const x = b.node('Gemm', ['x', b.floats(W, [3, 2], 'net.0.weight')]);
      return b.node('Gemm', [x, b.floats(W, [2, 3])]);
    });
    expect(graph.nodes.map(({ name }) => name)).toEqual(['net.0', 'v2']);
  });

  it.each([
    ['transA', { transA: { int: 1 } }, /transA/],
    ['an attribute of another type', { alpha: { int: 1 } }, /attribute alpha of type int/],
    ['an unknown attribute', { gamma: { int: 1 } }, /attribute gamma/],
    ['an infinite alpha', { alpha: { float: Number.POSITIVE_INFINITY } }, /alpha = Infinity/],
  ])('%s: ERR_UNSUPPORTED', async (_, attributes: Record<string, Attribute>, message) => {
    await expectRejection(gemm([3, 2], undefined, [], attributes), 'ERR_UNSUPPORTED', message);
  });

  it('of other features than its input: ERR_SHAPE', async () => {
    await expectRejection(gemm([2, 3], undefined, [], {}), 'ERR_SHAPE', /2 features.*received 3/);
    await expectRejection(
      imported((b) => b.node('Gemm', ['x', b.floats(new Float32Array(0), [3, 0])])),
      'ERR_SHAPE',
    );
    await expectRejection(gemm([3, 2], Float32Array.of(1, 2, 3), [3], {}), 'ERR_SHAPE', /constant/);
  });

  it('a bias for each row: ERR_UNSUPPORTED', async () => {
    await expectRejection(gemm([3, 2], W, [3, 2], {}), 'ERR_UNSUPPORTED', /each row/);
  });
});

describe('MatMul', () => {
  it('reads [in, out], also behind sizes of 1', async () => {
    const graph = await imported((b) => b.node('MatMul', ['x', b.floats(W, [3, 2])]), { sizes: [1, 3] });
    expect(run(graph, [1, 1, 1])).toEqual([9, 12]);
  });

  it('with Add is one linear node', async () => {
    const graph = await imported((b) =>
      b.node('Add', [b.floats(Float32Array.of(1, 2)), b.node('MatMul', ['x', b.floats(W, [3, 2])])]),
    );
    expect(ops(graph)).toEqual(['linear']);
    expect(run(graph, [1, 1, 1])).toEqual([10, 14]);
  });

  it.each([
    ['of a constant with the value', 0],
    ['of two values', 1],
  ])('%s: ERR_UNSUPPORTED', async (_, kind) => {
    const build = imported((b) =>
      b.node('MatMul', kind === 0 ? [b.floats(W, [2, 3]), 'x'] : [dense(b), dense(b)]),
    );
    await expectRejection(build, 'ERR_UNSUPPORTED', /MatMul/);
  });

  it('with several rows of features in a row: ERR_UNSUPPORTED', async () => {
    const build = imported((b) => b.node('MatMul', ['x', b.floats(W, [3, 2])]), { sizes: [4, 3] });
    await expectRejection(build, 'ERR_UNSUPPORTED', /each row of \[4,3\]/);
  });
});
