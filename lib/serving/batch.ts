import { RequantError } from '../errors';
import { checkStillThere } from '../models/arguments';
import { type Model, type Rows, type RunOptions, runInPlace } from '../models/model';
import { type BatchMemory, newRows } from './batch-memory';
import type { Call } from './call';
import type { Lane } from './lane';

/**
 * Calls that go through the model together. It waits and fills, is closed, runs; then every call has its answer or its
 * error.
 */
export class Batch {
  /** What is not in `calls` any more is not counted. */
  places = 0;
  /** In memory, those of calls that have left among them until it is closed. */
  rows = 0;
  private waiting: Call[] = [];
  private controller: AbortController | undefined;

  constructor(
    private readonly model: Model,
    readonly lane: Lane,
    readonly memory: BatchMemory,
  ) {}

  get calls(): readonly Call[] {
    return this.waiting;
  }

  /** The call that came first. */
  get first(): Call | undefined {
    return this.waiting[0];
  }

  /** Its rows are in memory, behind all others. */
  add(call: Call): void {
    call.row = this.rows;
    this.rows += call.rows;
    this.places += call.places;
    this.waiting.push(call);
  }

  /** A call leaves while the batch waits. */
  remove(call: Call): void {
    this.waiting.splice(this.waiting.indexOf(call), 1);
    this.places -= call.places;
  }

  /** Nobody comes or goes any more; the rows of those who went are gone. */
  close(): void {
    this.rows = 0;
    for (const call of this.waiting) {
      if (call.row !== this.rows) this.memory.move(this.rows, call.row, call.rows);
      call.row = this.rows;
      this.rows += call.rows;
    }
  }

  /** Synchronous up to the end where `blocking`. Never rejects. */
  async run(blocking: boolean): Promise<void> {
    const { calls, memory, rows } = this;
    if (!blocking && calls.every(({ mayLeave }) => mayLeave)) this.controller = new AbortController();
    try {
      const input = memory.input(0, rows);
      const isAlone = calls.length === 1;
      const output = isAlone ? this.newOutput(rows) : memory.output(rows);
      const results = blocking
        ? this.model.runSync(input, output)
        : await runInPlace(this.model, input, output, this.runOptions);
      this.deliver(calls, results, isAlone);
      this.lane.recycle(this);
    } catch (error) {
      // A run that was cancelled may still be writing: its memory is not used again.
      await this.handle(error);
    }
  }

  /** A call has left in mid-run: where it was the last one, nobody needs the result. */
  left(): void {
    if (this.controller !== undefined && !this.calls.some(({ isPending }) => isPending))
      this.controller.abort();
  }

  private get runOptions(): RunOptions {
    return this.controller === undefined ? {} : { signal: this.controller.signal };
  }

  /**
   * Everybody gets an array of his own: what one caller does with it, or with its memory, is nobody else's business.
   * `isNew`: of one caller, who gets the array itself.
   */
  private deliver(calls: readonly Call[], results: Rows, isNew: boolean): void {
    const { outFeatures } = this.model;
    let from = 0;
    for (const call of calls) {
      const to = from + call.rows * outFeatures;
      if (call.isPending) answer(call, isNew ? results : results.subarray(from, to), isNew);
      from = to;
    }
  }

  /** A row with NaN must not take the others with it: they go again without it, and then each one with NaN alone. */
  private async handle(error: unknown): Promise<void> {
    const pending = this.calls.filter(({ isPending }) => isPending);
    // A caller who has left may have brought it.
    const withNaN = isNaNError(error) ? this.calls.filter((call) => this.hasNaN(call)) : [];
    if (withNaN.length === 0 || this.calls.length === 1) {
      for (const call of pending) call.fail(ownError(error));
      return;
    }
    const bad = new Set(withNaN);
    const good = pending.filter((call) => !bad.has(call));
    const parts = [good, ...withNaN.map((call) => [call])];
    for (const part of parts) if (part.some(({ isPending }) => isPending)) await this.again(part);
  }

  private async again(calls: readonly Call[]): Promise<void> {
    try {
      const input = this.gather(calls);
      const rows = input.length / this.model.inFeatures;
      const output = this.newOutput(rows);
      const results = await runInPlace(this.model, input, output, this.runOptions);
      this.deliver(calls, results, calls.length === 1);
    } catch (error) {
      for (const call of calls) call.fail(ownError(error));
    }
  }

  private newOutput(rows: number): Rows {
    return newRows(this.memory.output(0), rows * this.model.outFeatures);
  }

  private gather(calls: readonly Call[]): Rows {
    const rows = calls.reduce((sum, { rows }) => sum + rows, 0);
    const input = newRows(this.memory.input(0, 0), rows * this.model.inFeatures);
    let at = 0;
    for (const call of calls) {
      input.set(this.inputOf(call), at);
      at += call.rows * this.model.inFeatures;
    }
    return input;
  }

  private hasNaN(call: Call): boolean {
    return this.inputOf(call).includes(Number.NaN);
  }

  private inputOf({ row, rows }: Call): Rows {
    return this.memory.input(row, rows);
  }
}

function isNaNError(error: unknown): boolean {
  return error instanceof RequantError && error.code === 'ERR_NAN_INPUT';
}

function answer(call: Call, results: Rows, isNew: boolean): void {
  const { output } = call;
  if (output === undefined) {
    call.answer(isNew ? results : results.slice());
    return;
  }
  try {
    checkStillThere(output, results.length);
    output.set(results);
  } catch (error) {
    call.fail(error);
    return;
  }
  call.answer(output);
}

/** Callers decorate errors that they receive: nobody shares one. */
function ownError(error: unknown): unknown {
  return error instanceof RequantError
    ? new RequantError(error.code, error.message, { cause: error })
    : error;
}
