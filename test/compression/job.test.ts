import { describe, expect, it } from 'vitest';
import { checkJobOptions, Job, keptRows } from '../../lib/compression/job';
import type { Calibration } from '../../lib/index';
import { expectError } from '../support/errors';

describe('Job', () => {
  it('reports, lets the event loop turn, and stops when it is aborted', async () => {
    const seen: number[] = [];
    const abort = new AbortController();
    const job = new Job({ signal: abort.signal, onProgress: ({ done }) => void seen.push(done) }, 'test', 3);
    await job.report(1);
    await job.yieldWhenDue();
    abort.abort(new Error('enough'));
    await expect(job.report(2)).rejects.toThrow('enough');
    expect(seen).toEqual([1, 2]);
    expect(() => new Job({ signal: abort.signal }, 'test', 1)).toThrow('enough');
  });
});

it('checks the options that every job has', () => {
  checkJobOptions(undefined, []);
  checkJobOptions({ seed: 1, alpha: 2 } as object, ['alpha']);
  for (const bad of [{ beta: 1 }, { seed: -1 }, { signal: {} }, { onProgress: 1 }, null])
    expectError(() => checkJobOptions(bad as object, ['alpha']), 'ERR_ARGUMENT');
});

it('rows that a calibration kept', () => {
  const kept = Float32Array.of(1, 2);
  expect(keptRows({ kept } as Calibration, 2)).toBe(kept);
  expectError(() => keptRows({ kept } as Calibration, 3), 'ERR_SHAPE');
  expectError(() => keptRows({ kept: new Float32Array(0) } as Calibration, 3), 'ERR_ARGUMENT', /keepRows/);
  expectError(() => keptRows(null, 3), 'ERR_ARGUMENT');
});
