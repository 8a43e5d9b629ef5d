import { describe, expect, it } from 'vitest';
import { expectRejection } from '../../../../support/errors';
import { dense, imported, ops } from '../support';

describe('what changes nothing', () => {
  it('leaves no node', async () => {
    const graph = await imported((b) => {
      let x = b.node('Identity', [dense(b)]);
      x = b.node('Dropout', [x, b.scalar(0.5)], { seed: { int: 1 } });
      for (const to of [10, 1, 11, 16, 1]) x = b.node('Cast', [x], { to: { int: to } });
      return b.node('Identity', [x]);
    });
    expect(ops(graph)).toEqual(['linear']);
    expect(graph.output).toBe(graph.nodes[0]!.output);
  });

  it('casts to integers, and dropout in training: ERR_UNSUPPORTED', async () => {
    await expectRejection(
      imported((b) => b.node('Cast', ['x'], { to: { int: 7 } })),
      'ERR_UNSUPPORTED',
      /type 7/,
    );
    const training = imported((b) => b.node('Dropout', ['x', '', b.scalar(1)]));
    await expectRejection(training, 'ERR_UNSUPPORTED', /training_mode/);
  });
});
