import type { Rows, RunOptions } from '../models/model';
import { deadline } from '../runtime/deadline';
import type { Batch } from './batch';

/** How a call can end. */
export type Outcome = 'answered' | 'failed' | 'aborted' | 'timedOut';

/** Told once, before the promise settles. */
export type OnEnd = (call: Call, outcome: Outcome) => void;

/** What a call of so many rows takes of the queue and of a batch: one without rows takes one too, or the queue had no end. */
export function placesOf(rows: number): number {
  return Math.max(rows, 1);
}

/** Somebody who waits for some rows. The promise settles once, and leaves neither timer nor listener behind. */
export class Call {
  readonly since = performance.now();
  private timer: NodeJS.Timeout | undefined;
  readonly output: Rows | undefined;
  private readonly signal: AbortSignal | undefined;
  private onAbort: (() => void) | undefined;
  private ended = false;
  /** Of its rows, the first one in the batch. */
  row = 0;

  constructor(
    readonly batch: Batch,
    /** The order of arrival. */
    readonly number: number,
    readonly rows: number,
    { signal, timeout, output }: RunOptions & { output?: Rows },
    private readonly resolve: (result: Rows) => void,
    private readonly reject: (reason: unknown) => void,
    private readonly onEnd: OnEnd,
  ) {
    this.output = output;
    this.signal = signal;
    if (signal !== undefined) {
      this.onAbort = () => this.end('aborted', signal.reason);
      signal.addEventListener('abort', this.onAbort, { once: true });
    }
    if (timeout !== undefined) this.timer = deadline(timeout, (error) => this.end('timedOut', error));
  }

  get places(): number {
    return placesOf(this.rows);
  }

  get isPending(): boolean {
    return !this.ended;
  }

  /** Whether it may go before it is answered. */
  get mayLeave(): boolean {
    return this.signal !== undefined || this.timer !== undefined;
  }

  answer(result: Rows): void {
    this.end('answered', result);
  }

  fail(error: unknown): void {
    this.end('failed', error);
  }

  private end(outcome: 'answered', value: Rows): void;
  private end(outcome: Exclude<Outcome, 'answered'>, value: unknown): void;
  private end(outcome: Outcome, value: unknown): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.timer);
    if (this.onAbort !== undefined) this.signal?.removeEventListener('abort', this.onAbort);
    this.onEnd(this, outcome);
    if (outcome === 'answered') this.resolve(value as Rows);
    else this.reject(value);
  }
}
