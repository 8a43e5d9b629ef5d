import { describe, expect, it } from 'vitest';
import { type Contender, takeTurns } from '../../lib/timing/turns';

const EFFORT = { minTurns: 4, maxTurns: 4, burstMs: 0, warmUpMs: 0, cellMs: 0, slowTurns: 2 };

/** Writes its name down at each call. */
function contender(name: string, log: string[], isAsync = false): Contender {
  const call = () => {
    log.push(name);
    return isAsync ? Promise.resolve() : undefined;
  };
  return { name, isAsync, call };
}

describe('takeTurns', () => {
  it('lets contenders follow each other, in both directions', async () => {
    const log: string[] = [];
    await takeTurns([contender('a', log), contender('b', log, true)], EFFORT);
    // Repeats within a sample and within a turn, and the last of one turn with the first of the next, are one here:
    // warm-up ab, then ab ba ab ba.
    expect(log.filter((name, i) => name !== log[i - 1]).join('')).toBe('abababa');
  });

  it('gives a burst for each turn and all samples, in milliseconds', async () => {
    const turns: string[] = [];
    const [timed] = await takeTurns([contender('a', [])], EFFORT, {
      onTurn: (done, total) => turns.push(`${done}/${total}`),
    });
    expect(timed!.contender.name).toBe('a');
    expect(timed!.bursts).toHaveLength(4);
    expect(timed!.samples.length).toBeGreaterThanOrEqual(4);
    expect(Math.min(...timed!.samples)).toBeGreaterThan(0);
    expect(turns).toEqual(['1/4', '2/4', '3/4', '4/4']);
  });

  it('lets slow contenders sit out', async () => {
    let calls = 0;
    const slow: Contender = {
      name: 'slow',
      isAsync: true,
      call: () => {
        calls++;
        return new Promise((resolve) => setTimeout(resolve, 110));
      },
    };
    const [timed] = await takeTurns([slow], EFFORT);
    expect(timed!.bursts.map((x) => x === undefined)).toEqual([false, true, false, true]);
    expect(calls).toBe(3);
  });

  it('ends at an abort, though every call is synchronous', async () => {
    const interrupt = new AbortController();
    const log: string[] = [];
    setImmediate(() => setImmediate(() => interrupt.abort(new Error('enough'))));
    const endless = { ...EFFORT, minTurns: 1e6, maxTurns: 1e6 };
    const running = takeTurns([contender('a', log)], endless, { signal: interrupt.signal });
    await expect(running).rejects.toThrow('enough');
  });
});
