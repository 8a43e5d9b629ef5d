import { describe, expect, it } from 'vitest';
import { expectRejection } from '../../../../support/errors';
import { dense, imported, ops, run } from '../support';

describe('Concat', () => {
  it('puts features side by side', async () => {
    for (const axis of [1, -1]) {
      const graph = await imported((b) => b.node('Concat', ['x', dense(b)], { axis: { int: axis } }));
      expect(ops(graph)).toEqual(['linear', 'concat']);
      expect(run(graph, [0, 0, 1])).toEqual([0, 0, 1, 13, 26, 39]);
    }
    expect(
      ops(await imported((b) => b.node('Relu', [b.node('Concat', ['x'], { axis: { int: 1 } })]))),
    ).toEqual(['relu']);
  });

  it('behind sizes of 1, along any dimension', async () => {
    const graph = await imported((b) => b.node('Concat', ['x', b.node('Neg', ['x'])], { axis: { int: 2 } }), {
      sizes: [1, 2, 2],
    });
    expect(run(graph, [1, 2, 3, 4])).toEqual([1, 2, 3, 4, -1, -2, -3, -4]);
  });

  it.each([
    ['of rows', 0, [3]],
    ['along an inner dimension', 2, [2, 3]],
    ['along a dimension that is not there', 4, [2, 3]],
  ])('%s: ERR_UNSUPPORTED', async (_, axis, sizes) => {
    const build = imported((b) => b.node('Concat', ['x', 'x'], { axis: { int: axis } }), { sizes });
    await expectRejection(build, 'ERR_UNSUPPORTED', /Concat/);
  });

  it('with a constant: ERR_UNSUPPORTED', async () => {
    const build = imported((b) => b.node('Concat', ['x', b.scalar(1, [1, 1])], { axis: { int: 1 } }));
    await expectRejection(build, 'ERR_UNSUPPORTED', /constant as input 1/);
  });
});
