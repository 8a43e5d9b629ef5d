import { RequantError } from '../errors';
import { checkStillThere } from '../models/arguments';
import type { Model, Rows } from '../models/model';
import type { Call } from './call';
import type { Lane } from './lane';
import { newRows } from './row-store';

/** One handful of calls on its way through the model. Every call has its answer or its error when `run` has ended. */
export class Batch {
  private controller: AbortController | undefined;

  constructor(
    private readonly model: Model,
    private readonly lane: Lane,
    readonly calls: readonly Call[],
  ) {}

  get rows(): number {
    return this.calls.reduce((sum, { rows }) => sum + rows, 0);
  }

  /** Synchronous up to the end where `blocking`. Never rejects. */
  async run(blocking: boolean): Promise<void> {
    const { calls } = this;
    if (!blocking && calls.every(({ mayLeave }) => mayLeave)) this.controller = new AbortController();
    try {
      this.deliver(calls, blocking ? this.compute(calls) : await this.submit(calls));
    } catch (error) {
      await this.handle(error);
    }
  }

  /** A call has left: where it was the last one, nobody needs the result. */
  left(): void {
    if (this.controller !== undefined && !this.calls.some(({ isPending }) => isPending))
      this.controller.abort();
  }

  private compute(calls: readonly Call[]): Rows {
    const input = this.lane.gather(calls);
    return this.model.runSync(input, this.newOutput(input));
  }

  private submit(calls: readonly Call[]): Promise<Rows> {
    const input = this.lane.gather(calls);
    const signal = this.controller && { signal: this.controller.signal };
    return this.lane.types.output instanceof Float32Array
      ? this.model.run(input, signal) // which makes the array itself
      : this.model.run(input, { ...signal, output: this.newOutput(input) });
  }

  private newOutput(input: Rows): Rows {
    const { inFeatures, outFeatures } = this.model;
    return newRows(this.lane.types.output, (input.length / inFeatures) * outFeatures);
  }

  /** Everybody gets an array of his own: what one caller does with it, or with its memory, is nobody else's business. */
  private deliver(calls: readonly Call[], results: Rows): void {
    const { outFeatures } = this.model;
    let from = 0;
    for (const call of calls) {
      const to = from + call.rows * outFeatures;
      if (call.isPending) answer(call, results, from, to);
      from = to;
    }
  }

  /** A row with NaN must not take the others with it: they go again without it, and then each one with NaN alone. */
  private async handle(error: unknown): Promise<void> {
    const pending = this.calls.filter(({ isPending }) => isPending);
    // A caller who has left may have brought it.
    const withNaN = isNaNError(error) ? this.calls.filter((call) => this.lane.hasNaN(call)) : [];
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
      this.deliver(calls, await this.submit(calls));
    } catch (error) {
      for (const call of calls) call.fail(ownError(error));
    }
  }
}

function isNaNError(error: unknown): boolean {
  return error instanceof RequantError && error.code === 'ERR_NAN_INPUT';
}

function answer(call: Call, results: Rows, from: number, to: number): void {
  const { output } = call;
  if (output === undefined) {
    const isAll = to - from === results.length;
    call.answer(isAll ? results : results.slice(from, to));
    return;
  }
  try {
    checkStillThere(output, to - from);
    output.set(results.subarray(from, to));
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
