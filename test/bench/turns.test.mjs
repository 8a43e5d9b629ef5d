import { describe, expect, it } from 'vitest';
import { takeTurns } from '../../bench/turns.mjs';

const EFFORT = { minTurns: 4, maxTurns: 4, burstMs: 0, warmUpMs: 0, cellMs: 0, slowTurns: 2 };

/** Writes its name down at each call. */
const contender = (name, log, isAsync = false) => ({
  name,
  isAsync,
  call: () => {
    log.push(name);
    return isAsync ? Promise.resolve() : undefined;
  },
});

describe('takeTurns', () => {
  it('lets contenders follow each other, in both directions', async () => {
    const log = [];
    await takeTurns([contender('a', log), contender('b', log, true)], EFFORT, false);
    // Repeats within a sample and within a turn, and the last of one turn with the first of the next, are one here:
    // warm-up ab, then ab ba ab ba.
    expect(log.filter((name, i) => name !== log[i - 1]).join('')).toBe('abababa');
  });

  it('gives a burst for each turn and all samples, in milliseconds', async () => {
    const [{ contender: first, samples, bursts }] = await takeTurns([contender('a', [])], EFFORT, false);
    expect(first.name).toBe('a');
    expect(bursts).toHaveLength(4);
    expect(samples.length).toBeGreaterThanOrEqual(4);
    expect(Math.min(...samples)).toBeGreaterThan(0);
  });

  it('lets slow contenders sit out', async () => {
    let calls = 0;
    const slow = {
      name: 'slow',
      isAsync: true,
      call: () => {
        calls++;
        return new Promise((resolve) => setTimeout(resolve, 110));
      },
    };
    const [{ bursts }] = await takeTurns([slow], EFFORT, false);
    expect(bursts.map((x) => x === undefined)).toEqual([false, true, false, true]);
    expect(calls).toBe(3);
  });
});
