import type { Outcome } from './call';

/** Counters since the batcher was made, and what there is now. accepted = answered + failed + aborted + timedOut + pending. */
export interface BatcherStats {
  /** Calls that were taken in. */
  readonly accepted: number;
  readonly answered: number;
  /** Calls that ended with an error of the model. */
  readonly failed: number;
  readonly aborted: number;
  readonly timedOut: number;
  /** Calls that came in and have not ended. */
  readonly pending: number;
  /** Calls that were turned away by ERR_QUEUE_FULL; those with bad arguments are not counted. */
  readonly refused: number;
  /** Batches handed to the model, and their rows: rows / batches is the mean size. */
  readonly batches: number;
  readonly rows: number;
  /** Rows that wait now. */
  readonly queued: number;
  /** Batches in the model now. */
  readonly running: number;
}

/** The counters, as they are kept. */
export class Counters {
  accepted = 0;
  refused = 0;
  batches = 0;
  rows = 0;
  readonly ended: Record<Outcome, number> = { answered: 0, failed: 0, aborted: 0, timedOut: 0 };

  get pending(): number {
    const { answered, failed, aborted, timedOut } = this.ended;
    return this.accepted - answered - failed - aborted - timedOut;
  }
}
