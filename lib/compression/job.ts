import type { Calibration, JobOptions } from '../calibration/types';
import { expected } from '../errors';
import { checkInteger, checkOptionKeys } from '../runtime/checks';
import { Turn } from '../turn';

export const JOB_OPTION_KEYS = ['signal', 'onProgress', 'seed'];

/** A slow job: tells how far it is, lets the event loop turn, and stops when it is aborted. */
export class Job {
  private readonly turn: Turn;
  private readonly onProgress: JobOptions['onProgress'];

  /** Errors: signal.reason. */
  constructor(
    { signal, onProgress }: JobOptions,
    private readonly step: string,
    private readonly total: number,
  ) {
    signal?.throwIfAborted();
    this.turn = new Turn(signal);
    this.onProgress = onProgress;
  }

  /** So many of `total` are done. Errors: signal.reason. */
  async report(done: number): Promise<void> {
    this.onProgress?.({ step: this.step, done, total: this.total });
    await this.turn.yieldWhenDue();
  }

  /** Between two steps that are not worth a report. Errors: signal.reason. */
  yieldWhenDue(): Promise<void> {
    return this.turn.yieldWhenDue();
  }
}

/** Options of a job with some of its own. Errors: ERR_ARGUMENT. */
export function checkJobOptions(options: JobOptions | undefined, known: readonly string[]): void {
  checkOptionKeys('options', options, [...known, ...JOB_OPTION_KEYS]);
  const { signal, onProgress, seed } = options ?? {};
  // Not `instanceof`: test environments bring an AbortSignal of their own.
  if (signal !== undefined && !(typeof signal === 'object' && signal !== null && 'aborted' in signal))
    throw expected('ERR_ARGUMENT', 'signal to be an AbortSignal', signal);
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw expected('ERR_ARGUMENT', 'onProgress to be a function', onProgress);
  if (seed !== undefined) checkInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
}

/** The rows that a calibration kept. Errors: ERR_ARGUMENT where it kept none, ERR_SHAPE. */
export function keptRows(calibration: Calibration | null, inFeatures: number): Float32Array {
  const kept = calibration?.kept;
  if (!(kept instanceof Float32Array) || kept.length === 0)
    throw expected('ERR_ARGUMENT', 'a calibration that kept rows (keepRows)', kept ?? calibration);
  if (kept.length % inFeatures !== 0)
    throw expected('ERR_SHAPE', `kept rows of ${inFeatures} features`, kept.length);
  return kept;
}
