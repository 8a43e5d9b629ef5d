import { describe, expect, it } from 'vitest';
import { Job } from '../../lib/compression/job';
import { Judge } from '../../lib/compression/score';
import { linear, MLP, sigmoid } from '../../lib/index';
import { expectError } from '../support/errors';

const scaled = (weight: number[], last: ReturnType<typeof sigmoid>[] = []) =>
  new MLP([
    linear({ inFeatures: 2, outFeatures: weight.length / 2, weight: Float32Array.from(weight) }),
    ...last,
  ]);
const job = new Job({}, 'test', 1);
const inputs = Float32Array.of(1, 2, 3, 1, -1, 4, 2, 1);

describe('Judge', () => {
  it('counts right classes, equal classes and noise', async () => {
    const float = scaled([1, 0, 0, 1]);
    const judge = new Judge(float, { inputs, labels: Uint8Array.of(1, 0, 1, 1) });
    expect(judge.accuracy).toBe(75);
    expect(await judge.score(float, job)).toEqual({
      accuracy: 75,
      drop: 0,
      agreement: 100,
      sqnrDb: Number.POSITIVE_INFINITY,
    });
    const other = await judge.score(scaled([0, 1, 1, 0]), job);
    expect(other).toMatchObject({ accuracy: 25, drop: 50, agreement: 0 });
    const without = await new Judge(float, { inputs }).score(scaled([1, 0, 1, 0]), job);
    expect(without).toMatchObject({ agreement: 50, drop: 50 });
    expect(without).not.toHaveProperty('accuracy');
  });

  it('one output decides between two classes', async () => {
    const labels = Int32Array.of(1, 1, 0, 1);
    for (const last of [[], [sigmoid()]]) {
      const judge = new Judge(scaled([1, 0], last), { inputs, labels });
      expect(judge.accuracy).toBe(100);
      const score = await judge.score(scaled([-1, 0], last), job);
      expect(score).toMatchObject({ accuracy: 0, drop: 100 });
      expect(score).not.toHaveProperty('agreement');
    }
    const unlabelled = await new Judge(scaled([1, 0]), { inputs }).score(scaled([1, 0]), job);
    expect(unlabelled).toEqual({ sqnrDb: Number.POSITIVE_INFINITY });
  });

  it('refuses data that does not fit', () => {
    const float = scaled([1, 0, 0, 1]);
    const bad = (data: object) => () => new Judge(float, data as never);
    expectError(bad({}), 'ERR_DTYPE');
    expectError(bad({ inputs: new Float32Array(0) }), 'ERR_ARGUMENT');
    expectError(bad({ inputs: new Float32Array(3) }), 'ERR_SHAPE');
    expectError(bad({ inputs, labels: [1] }), 'ERR_DTYPE');
    expectError(bad({ inputs, labels: Uint8Array.of(1) }), 'ERR_SHAPE');
    expectError(bad({ inputs, labels: Uint8Array.of(1, 2, 0, 0) }), 'ERR_ARGUMENT');
    expectError(() => new Judge(float, undefined as never), 'ERR_DTYPE');
  });
});
