import { describe, expect, it } from 'vitest';
import { ACTIVATIONS } from '../../../../conformance/operators';
import { expectRejection } from '../../../../support/errors';
import { dense, imported, ops } from '../support';

describe('gates', () => {
  it.each([
    ['silu', 'silu', {}],
    ['hardSwishOfHardSigmoid', 'hardSwish', {}],
    ['hardSwishOfClip', 'hardSwish', {}],
    ['geluOfErf', 'gelu', { approximate: 'none' }],
    ['geluOfErfHalvedFirst', 'gelu', { approximate: 'none' }],
    ['geluOfTanh', 'gelu', { approximate: 'tanh' }],
    ['geluOfTanhByProducts', 'gelu', { approximate: 'tanh' }],
  ])('%s is one node between linear nodes', async (form, op, attributes) => {
    const graph = await imported((b) => dense(b, ACTIVATIONS[form]!.write(b, dense(b))));
    expect(ops(graph)).toEqual(['linear', op, 'linear']);
    expect(graph.nodes[1]).toMatchObject({ attributes });
  });

  it('in front of which the input stands', async () => {
    for (const form of ['silu', 'geluOfErf', 'geluOfTanh'])
      expect((await imported((b) => ACTIVATIONS[form]!.write(b, 'x'))).nodes).toHaveLength(1);
  });

  it('of another function are not one', async () => {
    const almost = (cubic: number) =>
      imported((b) => {
        const inner = b.node('Add', [
          'x',
          b.node('Mul', [b.node('Pow', ['x', b.scalar(3)]), b.scalar(cubic)]),
        ]);
        const tanh = b.node('Tanh', [b.node('Mul', [inner, b.scalar(0.7978846)])]);
        return b.node('Mul', ['x', b.node('Add', [tanh, b.scalar(1)])]);
      });
    expect(ops(await almost(0.044715))).toContain('gelu');
    await expectRejection(almost(0.05), 'ERR_UNSUPPORTED', /Mul/);
    await expectRejection(
      imported((b) => b.node('Mul', [b.node('Relu', ['x']), b.node('Sigmoid', ['x'])])),
      'ERR_UNSUPPORTED',
      /Mul/,
    );
  });
});
