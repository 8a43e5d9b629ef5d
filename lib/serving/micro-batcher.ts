import { RequantError } from '../errors';
import { checkRunOptions, rowsOf } from '../models/arguments';
import type { Model, Rows, RunOptions } from '../models/model';
import type { Batch } from './batch';
import { newRows } from './batch-memory';
import { blockRows } from './block-rows';
import { Call, type Outcome, placesOf } from './call';
import { Lane, type LaneTypes } from './lane';
import { type BatcherSettings, type BatchReport, batcherSettings, type MicroBatcherOptions } from './options';
import { type BatcherStats, Counters } from './stats';

/**
 * Merges calls that come at the same time into one run of a model: a batch of rows takes a fraction of the time of as many
 * runs. Every result has the same bits as the row alone.
 *
 * Nobody waits for company: where nothing runs, a batch leaves as soon as the event loop has delivered what it had. While
 * one runs, the next fills. The model stays the caller's, who disposes of it after `close`.
 */
export class MicroBatcher implements AsyncDisposable {
  private readonly settings: BatcherSettings;
  private readonly counters = new Counters();
  /** A batch of at most that many rows runs on the event loop. */
  private readonly maxBlockRows: number;
  /** By the types of their arrays; at most four. */
  private readonly lanes = new Map<number, Lane>();
  private runningBatches = 0;
  private numberOfCalls = 0;
  private isScheduled = false;
  /** After work on the event loop the event loop has its turn, however much has come meanwhile. */
  private isResting = false;
  private timer: NodeJS.Timeout | undefined;
  private closing: Promise<void> | undefined;
  private onDrained: (() => void) | undefined;

  /** Runs rows of zeros a few times, to know how long they take. Errors: ERR_ARGUMENT, ERR_DISPOSED. */
  constructor(
    readonly model: Model,
    options?: MicroBatcherOptions,
  ) {
    this.settings = batcherSettings(options);
    this.maxBlockRows = blockRows(model, this.settings.maxBlockMs);
  }

  get stats(): BatcherStats {
    const { accepted, refused, batches, rows, pending, ended } = this.counters;
    return {
      accepted,
      ...ended,
      pending,
      refused,
      batches,
      rows,
      queued: this.queued,
      running: this.runningBatches,
    };
  }

  /**
   * As `model.run`: the input is copied before this returns, and `output` is the caller's again once the promise has
   * settled. Errors: as `model.run`'s, and ERR_QUEUE_FULL, ERR_LIMIT (more rows than the queue has), ERR_CLOSED.
   */
  run(input: Rows, options?: RunOptions): Promise<Float32Array>;
  run<O extends Rows>(input: Rows, options: RunOptions & { output: O }): Promise<O>;
  run(input: Rows, options: RunOptions & { output?: Rows } = {}): Promise<Rows> {
    return new Promise((resolve, reject) => {
      const rows = rowsOf(input, this.model.input);
      checkRunOptions(options, this.model.output, rows * this.model.outFeatures);
      if (this.closing !== undefined)
        throw new RequantError('ERR_CLOSED', 'expected an open batcher but received a call after its close');
      options.signal?.throwIfAborted();
      this.checkRoom(placesOf(rows));
      const lane = this.laneOf(input, options.output);
      const batch = lane.put(input, rows);
      lane.add(new Call(batch, this.numberOfCalls++, rows, options, resolve, reject, this.onEnd));
      this.counters.accepted++;
      this.onArrival(lane);
    });
  }

  /** Answers what has been accepted; later calls are ERR_CLOSED. The same promise every time; it never rejects. */
  close(): Promise<void> {
    if (this.closing === undefined) {
      this.closing = new Promise((resolve) => {
        this.onDrained = resolve;
      });
      this.proceed();
    }
    return this.closing;
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private get queued(): number {
    let sum = 0;
    for (const { places } of this.lanes.values()) sum += places;
    return sum;
  }

  private checkRoom(places: number): void {
    const { maxQueue } = this.settings;
    if (places > maxQueue)
      throw new RequantError(
        'ERR_LIMIT',
        `expected at most ${maxQueue} rows (maxQueue) but received ${places}`,
      );
    const { queued } = this;
    if (queued + places <= maxQueue) return;
    this.counters.refused++;
    throw new RequantError(
      'ERR_QUEUE_FULL',
      `expected at most ${maxQueue} waiting rows but received ${places} more than ${queued}`,
    );
  }

  private laneOf(input: Rows, output: Rows | undefined): Lane {
    const floatsIn = input instanceof Float32Array;
    const floatsOut = output === undefined || output instanceof Float32Array;
    const key = (floatsIn ? 0 : 1) + (floatsOut ? 0 : 2);
    let lane = this.lanes.get(key);
    if (lane === undefined) {
      const types: LaneTypes = {
        input: newRows(input, 0),
        output: newRows(output ?? new Float32Array(0), 0),
      };
      lane = new Lane(this.model, types, this.settings.maxBatch);
      this.lanes.set(key, lane);
    }
    return lane;
  }

  private onArrival(lane: Lane): void {
    if (lane.isFull) this.proceed();
    else if (this.runningBatches === 0) this.schedule();
    else this.setTimer();
  }

  /** The call's promise is about to settle. */
  private readonly onEnd = (call: Call, outcome: Outcome): void => {
    this.counters.ended[outcome]++;
    if ((outcome === 'aborted' || outcome === 'timedOut') && !call.batch.lane.remove(call)) call.batch.left();
    this.checkDrained();
  };

  /** After the event loop has delivered what it has: calls of one turn go together. */
  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.isResting = false;
      this.proceed();
    });
  }

  /** Hands over what is due. */
  private proceed(): void {
    while (!this.isResting && this.runningBatches < this.settings.maxRunning) {
      const lane = this.dueLane();
      if (lane === undefined) break;
      this.handOver(lane);
    }
    this.setTimer();
    this.checkDrained();
  }

  /** Of the lanes that may hand over now, the one whose first call came first. */
  private dueLane(): Lane | undefined {
    let due: Lane | undefined;
    for (const lane of this.lanes.values()) {
      const { first } = lane;
      if (first === undefined || !this.isDue(lane, first)) continue;
      if (due === undefined || first.number < due.first!.number) due = lane;
    }
    return due;
  }

  private isDue(lane: Lane, first: Call): boolean {
    return (
      this.runningBatches === 0 ||
      this.closing !== undefined ||
      lane.isFull ||
      performance.now() - first.since >= this.settings.maxDelayMs
    );
  }

  /** For the first call that waits while a batch runs, if there is room for a second one. */
  private setTimer(): void {
    if (this.timer !== undefined || this.runningBatches === 0) return;
    if (this.runningBatches >= this.settings.maxRunning) return;
    const first = this.firstCall();
    if (first === undefined) return;
    const waited = performance.now() - first.since;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.proceed();
      },
      Math.max(this.settings.maxDelayMs - waited, 0),
    );
    this.timer.unref(); // the running batch keeps the process alive
  }

  private firstCall(): Call | undefined {
    let oldest: Call | undefined;
    for (const { first } of this.lanes.values()) {
      if (first !== undefined && (oldest === undefined || first.number < oldest.number)) oldest = first;
    }
    return oldest;
  }

  private handOver(lane: Lane): void {
    const batch = lane.take();
    this.counters.batches++;
    this.counters.rows += batch.rows;
    this.runningBatches++;
    void this.execute(batch);
  }

  private async execute(batch: Batch): Promise<void> {
    const { calls, rows, first } = batch;
    const start = performance.now();
    const blocking = this.runningBatches === 1 && rows <= this.maxBlockRows;
    if (blocking) {
      this.isResting = true;
      this.schedule();
    }
    await batch.run(blocking);
    const runMs = performance.now() - start;
    this.runningBatches--;
    this.report({ rows, calls: calls.length, waitMs: start - first!.since, runMs });
    this.proceed();
  }

  private report(batch: BatchReport): void {
    try {
      this.settings.onBatch?.(batch);
    } catch (error) {
      queueMicrotask(() => {
        throw error; // an uncaught exception, as from any listener; the batcher goes on
      });
    }
  }

  private checkDrained(): void {
    if (this.counters.pending === 0 && this.runningBatches === 0) this.onDrained?.();
  }
}
