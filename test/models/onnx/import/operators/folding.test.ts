import { describe, expect, it } from 'vitest';
import { tensor } from '../../../../../lib/formats/onnx';
import { expectRejection } from '../../../../support/errors';
import type { OnnxBuilder } from '../../../../support/onnx-builder';
import { imported, run } from '../support';

/** The constant, as what is added to a zero of these features. */
async function folded(make: (b: OnnxBuilder) => string, features: number, opset = 17): Promise<number[]> {
  const graph = await imported((b) => b.node('Add', ['x', make(b)]), { sizes: [features], opset });
  return run(graph, Array<number>(features).fill(0));
}

const matrix = (b: OnnxBuilder) => b.floats(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
const nine = tensor('t', 'float32', [1], Float32Array.of(9));
const flat = (b: OnnxBuilder, x: string) => b.node('Reshape', [x, b.ints(-1)]);

describe('constants that the graph computes', () => {
  it.each<[string, (b: OnnxBuilder) => string, readonly number[]]>([
    ['Constant', (b: OnnxBuilder) => b.node('Constant', [], { value_floats: { floats: [1, 2] } }), [1, 2]],
    ['Constant, one number', (b) => b.node('Constant', [], { value_float: { float: 3 } }), [3, 3]],
    ['ConstantOfShape', (b) => b.node('ConstantOfShape', [b.ints(2)], { value: { tensor: nine } }), [9, 9]],
    ['Identity', (b) => b.node('Identity', [b.floats(Float32Array.of(4, 5))]), [4, 5]],
    ['Transpose', (b) => flat(b, b.node('Transpose', [matrix(b)])), [1, 4, 2, 5, 3, 6]],
    ['Flatten', (b) => flat(b, b.node('Flatten', [matrix(b)], { axis: { int: 2 } })), [1, 2, 3, 4, 5, 6]],
    [
      'Gather',
      (b) => flat(b, b.node('Gather', [matrix(b), b.ints(2, -3)], { axis: { int: 1 } })),
      [3, 1, 6, 4],
    ],
    ['Gather of rows', (b) => flat(b, b.node('Gather', [matrix(b), b.ints(1)])), [4, 5, 6]],
    [
      'Slice',
      (b) => flat(b, b.node('Slice', [matrix(b), b.ints(1), b.ints(2 ** 62), b.ints(1)])),
      [2, 3, 5, 6],
    ],
    [
      'Slice backwards',
      (b) => flat(b, b.node('Slice', [matrix(b), b.ints(-1), b.ints(-9), b.ints(1), b.ints(-2)])),
      [3, 1, 6, 4],
    ],
    [
      'Concat',
      (b) => flat(b, b.node('Concat', [matrix(b), matrix(b)], { axis: { int: 1 } })),
      [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6],
    ],
    [
      'Squeeze of Unsqueeze',
      (b) => b.node('Squeeze', [b.node('Unsqueeze', [b.floats(Float32Array.of(1, 2)), b.ints(0, 2)])]),
      [1, 2],
    ],
    [
      'Cast',
      (b) => b.node('Cast', [b.constant('int64', [2], BigInt64Array.of(7n, -1n))], { to: { int: 1 } }),
      [7, -1],
    ],
    [
      'Mul and Sqrt',
      (b) => b.node('Sqrt', [b.node('Mul', [b.floats(Float32Array.of(2, 8)), b.scalar(2)])]),
      [2, 4],
    ],
    [
      'Sub as numpy broadcasts',
      (b) =>
        flat(b, b.node('Sub', [b.floats(Float32Array.of(1, 2), [2, 1]), b.floats(Float32Array.of(1, 3))])),
      [0, -2, 1, -1],
    ],
    [
      'integers that divide towards 0',
      (b) => b.node('Cast', [b.node('Div', [b.ints(7, -7), b.ints(2)])], { to: { int: 1 } }),
      [3, -3],
    ],
  ])('%s', async (_, make, expected) => {
    expect(await folded(make, expected.length)).toEqual([...expected]);
  });

  it('Slice by attributes, before opset 10', async () => {
    const make = (b: OnnxBuilder) =>
      flat(
        b,
        b.node('Slice', [matrix(b)], { starts: { ints: [0] }, ends: { ints: [1] }, axes: { ints: [0] } }),
      );
    expect(await folded(make, 3, 9)).toEqual([1, 2, 3]);
  });

  it.each<[string, (b: OnnxBuilder) => string]>([
    ['an index outside', (b: OnnxBuilder) => b.node('Gather', [matrix(b), b.ints(2)])],
    ['a step of 0', (b) => b.node('Slice', [matrix(b), b.ints(0), b.ints(1), b.ints(0), b.ints(0)])],
    ['bounds that do not fit', (b) => b.node('Slice', [matrix(b), b.ints(0, 0), b.ints(1)])],
    ['an axis outside', (b) => b.node('Gather', [matrix(b), b.ints(0)], { axis: { int: 2 } })],
    [
      'shapes that cannot be joined',
      (b) => b.node('Concat', [matrix(b), b.scalar(1, [1, 1])], { axis: { int: 1 } }),
    ],
    ['no permutation', (b) => b.node('Transpose', [matrix(b)], { perm: { ints: [0, 0] } })],
    ['a shape that does not fit', (b) => b.node('Reshape', [matrix(b), b.ints(4, -1)])],
    ['integers of infinity', (b) => b.node('Cast', [b.scalar(Number.POSITIVE_INFINITY)], { to: { int: 7 } })],
    ['an index that is no integer', (b) => b.node('Gather', [matrix(b), b.floats(Float32Array.of(0.5))])],
    ['a shape of floats', (b) => b.node('Reshape', [matrix(b), b.floats(Float32Array.of(0.5, 12))])],
    ['a negative size', (b) => b.node('ConstantOfShape', [b.ints(-1)])],
    ['text', (b) => b.node('Constant', [], { value_string: { string: 'a' } })],
  ])('%s: a coded error', async (_, make) => {
    await expect(folded(make, 6)).rejects.toMatchObject({
      code: expect.stringMatching(/ERR_(UNSUPPORTED|LIMIT)/),
    });
  });

  it('more than the file could mean: ERR_LIMIT', async () => {
    for (const sizes of [[2 ** 30], [2 ** 16, 2 ** 16], [2 ** 62]])
      await expectRejection(
        folded((b) => b.node('ConstantOfShape', [b.ints(...sizes)]), 1),
        'ERR_LIMIT',
      );
    const many = folded((b) => {
      let x = b.node('ConstantOfShape', [b.ints(2 ** 12, 2 ** 10)]);
      for (let i = 0; i < 100; i++) x = b.node('Transpose', [x]);
      return x;
    }, 1);
    await expectRejection(many, 'ERR_LIMIT');
  });
});
