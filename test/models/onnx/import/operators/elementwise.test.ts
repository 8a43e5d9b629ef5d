import { describe, expect, it } from 'vitest';
import type { Attribute } from '../../../../../lib/formats/onnx';
import { expectRejection } from '../../../../support/errors';
import { imported, ops, run } from '../support';

const one = (opType: string, attributes: Record<string, Attribute> = {}, opset = 24) =>
  imported((b) => b.node(opType, ['x'], attributes), { opset });

describe('activations', () => {
  it.each([
    ['Relu', {}, 'relu', {}],
    ['Sigmoid', {}, 'sigmoid', {}],
    ['Tanh', {}, 'tanh', {}],
    ['HardSwish', {}, 'hardSwish', {}],
    ['LeakyRelu', {}, 'leakyRelu', { slope: Math.fround(0.01) }],
    ['LeakyRelu', { alpha: { float: 0.5 } }, 'leakyRelu', { slope: 0.5 }],
    ['Elu', {}, 'elu', { alpha: 1 }],
    ['HardSigmoid', {}, 'hardSigmoid', { alpha: Math.fround(0.2), beta: 0.5 }],
    ['Gelu', {}, 'gelu', { approximate: 'none' }],
    ['Gelu', { approximate: { string: 'tanh' } }, 'gelu', { approximate: 'tanh' }],
    ['Swish', {}, 'silu', {}],
  ])('%s %o is %s', async (opType, attributes, op, expected) => {
    const { nodes } = await one(opType, attributes);
    expect(nodes).toMatchObject([{ op, attributes: expected }]);
  });

  it('Swish of another alpha is SiLU between factors', async () => {
    const graph = await one('Swish', { alpha: { float: 2 } });
    expect(ops(graph)).toEqual(['linear', 'silu', 'linear']);
    expect(run(graph, [0, 0, 1])[2]).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
    expect(run(await one('Swish', { alpha: { float: 0 } }), [0, 2, 4])).toEqual([0, 1, 2]);
  });

  it('an unknown approximation: ERR_UNSUPPORTED', async () => {
    await expectRejection(one('Gelu', { approximate: { string: 'best' } }), 'ERR_UNSUPPORTED', /approximate/);
  });
});

describe('Clip', () => {
  const clip = (min?: number, max?: number, opset = 17) =>
    imported(
      (b) => {
        if (opset < 11)
          return b.node('Clip', [b.node('Neg', ['x'])], {
            ...(min !== undefined && { min: { float: min } }),
            ...(max !== undefined && { max: { float: max } }),
          });
        const bound = (value?: number) => (value === undefined ? '' : b.scalar(value));
        return b.node('Clip', [b.node('Neg', ['x']), bound(min), bound(max)]);
      },
      { opset },
    );

  it.each([10, 11])('has its bounds, or the names of well-known ones; opset %i', async (opset) => {
    expect((await clip(-1, 2, opset)).nodes[1]).toMatchObject({
      op: 'clip',
      attributes: { min: -1, max: 2 },
    });
    expect(ops(await clip(0, undefined, opset))).toEqual(['linear', 'relu']);
    expect(ops(await clip(0, 6, opset))).toEqual(['linear', 'relu6']);
    expect(ops(await clip(undefined, undefined, opset))).toEqual(['linear']);
    expect((await clip(undefined, 2, opset)).nodes[1]).toMatchObject({
      attributes: { min: Number.NEGATIVE_INFINITY, max: 2 },
    });
  });

  it.each([
    [2, 1],
    [Number.NaN, 1],
  ])('from %f to %f: ERR_UNSUPPORTED', async (min, max) => {
    await expectRejection(clip(min, max), 'ERR_UNSUPPORTED', /Clip/);
  });

  it('with bounds that are computed from values: ERR_UNSUPPORTED', async () => {
    const build = imported((b) => b.node('Clip', ['x', b.node('Relu', ['x'])]));
    await expectRejection(build, 'ERR_UNSUPPORTED', /input 1 that is not constant/);
  });
});
