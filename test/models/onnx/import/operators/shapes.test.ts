import { describe, expect, it } from 'vitest';
import { expectRejection } from '../../../../support/errors';
import type { OnnxBuilder } from '../../../../support/onnx-builder';
import { imported, type Options, ops } from '../support';

/** A view of the input, with a ReLU behind it. */
const view = (make: (b: OnnxBuilder) => string, options: Options = { sizes: [1, 2, 3] }) =>
  imported((b) => b.node('Relu', [b.node('Flatten', [make(b)])]), options);

const refused = async (make: (b: OnnxBuilder) => string, options?: Options) =>
  expectRejection(view(make, options), 'ERR_UNSUPPORTED', /Reshape|Flatten|queeze|Transpose/);

const fixed: Options = { sizes: [2, 3], batch: 4 };

describe('views of the same rows', () => {
  it.each<[string, (b: OnnxBuilder) => string]>([
    ['[-1, 6]', (b: OnnxBuilder) => b.node('Reshape', ['x', b.ints(-1, 6)])],
    ['[0, -1]', (b) => b.node('Reshape', ['x', b.ints(0, -1)])],
    ['[0, 0, 0, 3]', (b) => b.node('Reshape', ['x', b.ints(0, 0, 0, 3)])],
    ['Flatten, axis −3', (b) => b.node('Flatten', ['x'], { axis: { int: -3 } })],
    ['Flatten, axis 2 behind a size of 1', (b) => b.node('Flatten', ['x'], { axis: { int: 2 } })],
    ['Squeeze', (b) => b.node('Squeeze', ['x', b.ints(1)])],
    ['Squeeze without axes', (b) => b.node('Squeeze', ['x'])],
    ['Unsqueeze', (b) => b.node('Unsqueeze', ['x', b.ints(1, -1)])],
    ['Transpose that moves a size of 1', (b) => b.node('Transpose', ['x'], { perm: { ints: [0, 2, 1, 3] } })],
    ['the sizes of another value', (b) => b.node('Reshape', ['x', b.node('Shape', [b.node('Relu', ['x'])])])],
  ])('%s', async (_, make) => {
    expect(ops(await view(make)).at(-1)).toBe('relu');
  });

  it('by sizes that are computed from the shape', async () => {
    const graph = await view((b) => {
      const shape = b.node('Cast', [b.node('Shape', ['x'])], { to: { int: 7 } });
      const rows = b.node('Slice', [shape, b.ints(0), b.ints(1), b.ints(0)]);
      const scalar = (i: number) => b.constant('int64', [], BigInt64Array.of(BigInt(i)));
      const columns = b.node('Mul', [
        b.node('Gather', [shape, scalar(2)], { axis: { int: 0 } }),
        b.node('Gather', [shape, scalar(-1)], { axis: { int: 0 } }),
      ]);
      const target = b.node('Concat', [rows, b.node('Unsqueeze', [columns, b.ints(0)])], {
        axis: { int: 0 },
      });
      return b.node('Reshape', ['x', target]);
    });
    expect(ops(graph)).toEqual(['relu']);
  });

  it('of a file for some number of rows', async () => {
    expect(ops(await view((b) => b.node('Reshape', ['x', b.ints(4, 6)]), fixed))).toEqual(['relu']);
    await refused((b) => b.node('Reshape', ['x', b.ints(2, 12)]), fixed);
    await refused((b) => b.node('Squeeze', ['x']), { sizes: [1, 3], batch: 1 });
  });

  it.each<[string, (b: OnnxBuilder) => string]>([
    ['rows that are joined', (b: OnnxBuilder) => b.node('Reshape', ['x', b.ints(1, -1)])],
    ['rows that are split', (b) => b.node('Reshape', ['x', b.ints(-1, 3)])],
    ['no rows', (b) => b.node('Reshape', ['x', b.ints(-1)])],
    ['two free sizes', (b) => b.node('Reshape', ['x', b.ints(0, -1, -1)])],
    ['sizes that do not fit', (b) => b.node('Reshape', ['x', b.ints(0, 5)])],
    ['a negative size', (b) => b.node('Reshape', ['x', b.ints(0, -2, 3)])],
    ['sizes that are no integers', (b) => b.node('Reshape', ['x', b.floats(Float32Array.of(-1, 0.5, 12))])],
    ['no target', (b) => b.node('Reshape', ['x', b.ints()])],
    ['Flatten, axis 0', (b) => b.node('Flatten', ['x'], { axis: { int: 0 } })],
    ['Flatten, axis 3', (b) => b.node('Flatten', ['x'], { axis: { int: 3 } })],
    ['a batch that is squeezed', (b) => b.node('Squeeze', ['x', b.ints(0)])],
    ['a size that is not 1', (b) => b.node('Squeeze', ['x', b.ints(2)])],
    ['a size before the batch', (b) => b.node('Unsqueeze', ['x', b.ints(0)])],
    ['the same axis twice', (b) => b.node('Unsqueeze', ['x', b.ints(1, 1)])],
    ['features that change places', (b) => b.node('Transpose', ['x'], { perm: { ints: [0, 1, 3, 2] } })],
    ['no permutation', (b) => b.node('Transpose', ['x'], { perm: { ints: [0, 1, 1, 2] } })],
    ['all reversed', (b) => b.node('Transpose', ['x'])],
  ])('%s: ERR_UNSUPPORTED', async (_, make) => {
    await refused(make);
  });
});
