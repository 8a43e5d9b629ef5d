import { describe, expect, it } from 'vitest';
import { expectRejection } from '../../../../support/errors';
import { dense, imported, ops, run } from '../support';

describe('arithmetic with constants', () => {
  it.each([
    ['Add', false, [3, 4, 5]],
    ['Sub', false, [-1, 0, 1]],
    ['Sub', true, [1, 0, -1]],
    ['Mul', true, [2, 4, 6]],
    ['Div', false, [0.5, 1, 1.5]],
  ])('%s, constant first: %s', async (opType, isFirst, expected) => {
    const graph = await imported((b) => b.node(opType, isFirst ? [b.scalar(2), 'x'] : ['x', b.scalar(2)]));
    expect(ops(graph)).toEqual(['linear']);
    expect(run(graph, [1, 2, 3])).toEqual(expected);
  });

  it('several become one', async () => {
    const graph = await imported((b) => {
      const scaled = b.node('Mul', [b.node('Neg', [dense(b)]), b.floats(Float32Array.of(1, 2, 4))]);
      return b.node('Sub', [b.scalar(1), b.node('Div', [scaled, b.scalar(2, [1, 1])])]);
    });
    expect(ops(graph)).toEqual(['linear']);
    expect(run(graph, [0, 0, 1])).toEqual([1 + 13 / 2, 1 + 26, 1 + 78]);
  });

  it('that undo each other leave nothing', async () => {
    const graph = await imported((b) =>
      b.node('Relu', [b.node('Div', [b.node('Mul', ['x', b.scalar(4)]), b.scalar(4)])]),
    );
    expect(ops(graph)).toEqual(['relu']);
  });

  it('for each channel of another shape', async () => {
    const graph = await imported((b) => b.node('Mul', ['x', b.floats(Float32Array.of(1, 10), [2, 1])]), {
      sizes: [2, 2],
    });
    expect(run(graph, [1, 2, 3, 4])).toEqual([1, 2, 30, 40]);
  });

  it.each([
    ['a constant for each row', [2, 3], 'ERR_UNSUPPORTED'],
    ['a constant of more dimensions', [2, 1, 3], 'ERR_SHAPE'],
    ['a constant that does not fit', [2], 'ERR_SHAPE'],
  ] as const)('%s: %s', async (_, dims, code) => {
    const data = new Float32Array(dims.reduce<number>((a, n) => a * n, 1));
    await expectRejection(
      imported((b) => b.node('Add', ['x', b.floats(data, dims)])),
      code,
    );
  });

  it('a constant that makes a value larger: ERR_UNSUPPORTED', async () => {
    const build = imported((b) => b.node('Add', ['x', b.floats(new Float32Array(5))]), { sizes: [1] });
    await expectRejection(build, 'ERR_UNSUPPORTED', /larger/);
  });
});

describe('arithmetic of values', () => {
  it('Add is a residual with its origin first, Sub one with a factor of −1', async () => {
    const add = await imported((b) => b.node('Add', [dense(b), 'x']));
    expect(add.nodes.at(-1)).toMatchObject({ op: 'add', inputs: ['x', 'v2'] });
    const sub = await imported((b) => b.node('Sub', ['x', dense(b)]));
    expect(ops(sub)).toEqual(['linear', 'add']);
    expect(run(sub, [0, 0, 1])).toEqual([-13, -26, -38]);
  });

  it('Sum adds any number of values', async () => {
    const graph = await imported((b) => b.node('Sum', ['x', b.node('Relu', ['x']), dense(b)]));
    expect(ops(graph).sort()).toEqual(['add', 'add', 'linear', 'relu']);
    expect(run(graph, [1, 0, -1])).toEqual([1 + 1 + 8, 0 + 0 + 18, -1 + 0 + 28]);
  });

  it.each([
    ['a product', (x: string, y: string): [string, string[]] => ['Mul', [x, y]]],
    ['a quotient', (x: string, y: string): [string, string[]] => ['Div', [x, y]]],
  ])('%s of any two: ERR_UNSUPPORTED', async (_, make) => {
    const build = imported((b) => b.node(...make('x', b.node('Relu', ['x']))));
    await expectRejection(build, 'ERR_UNSUPPORTED', /only as a part of/);
  });

  it.each(['Erf', 'Sqrt', 'Reciprocal'])('%s alone: ERR_UNSUPPORTED', async (opType) => {
    await expectRejection(
      imported((b) => b.node(opType, ['x'])),
      'ERR_UNSUPPORTED',
      new RegExp(`${opType} 'v0' \\(known only as a part`),
    );
  });

  it('powers: 1 is nothing, others are parts or unsupported', async () => {
    const power = (exponent: number) =>
      imported((b) => b.node('Relu', [b.node('Pow', ['x', b.scalar(exponent)])]));
    expect(ops(await power(1))).toEqual(['relu']);
    await expectRejection(power(2), 'ERR_UNSUPPORTED', /Pow 'v1' \(known only/);
    await expectRejection(power(1.5), 'ERR_UNSUPPORTED', /exponent 1.5/);
  });

  it('sizes that differ: ERR_UNSUPPORTED', async () => {
    const build = imported((b) =>
      b.node('Add', ['x', b.node('MatMul', ['x', b.floats(new Float32Array(3), [3, 1])])]),
    );
    await expectRejection(build, 'ERR_UNSUPPORTED', /a sum of/);
  });
});
