import type { Rows } from '../models/model';
import type { Call } from './call';
import { newRows, RowStore } from './row-store';

/** What calls have in common that can be merged: the types of their arrays, shown by empty ones. */
export interface LaneTypes {
  readonly input: Rows;
  readonly output: Rows;
}

/** Calls that can be merged with each other, in the order they came. Their rows are copied when they come. */
export class Lane {
  /** Places that the waiting calls take. */
  places = 0;
  private readonly waiting = new Set<Call>();
  private readonly store: RowStore;
  /** Where the rows of a batch are put side by side. Free again as soon as `model.run` has returned its promise. */
  private batch: Rows;

  constructor(
    readonly types: LaneTypes,
    private readonly features: number,
  ) {
    this.store = new RowStore(types.input, features);
    this.batch = newRows(types.input, 0);
  }

  /** The call that has waited longest. */
  get first(): Call | undefined {
    return this.waiting.values().next().value;
  }

  /** Copies rows; returns their slots, for a call. */
  put(input: Rows, rows: number): readonly number[] {
    return this.store.put(input, rows);
  }

  add(call: Call): void {
    this.waiting.add(call);
    this.places += call.places;
  }

  /** Takes out a call that has left; false where it waits no more. */
  remove(call: Call): boolean {
    if (!this.waiting.delete(call)) return false;
    this.places -= call.places;
    this.store.release(call.slots);
    return true;
  }

  /** Takes as many calls as fit, at least one. Their rows stay until they are released. */
  take(maxPlaces: number): Call[] {
    const calls: Call[] = [];
    let places = 0;
    for (const call of this.waiting) {
      if (calls.length > 0 && places + call.places > maxPlaces) break;
      this.waiting.delete(call);
      places += call.places;
      calls.push(call);
      if (places >= maxPlaces) break;
    }
    this.places -= places;
    return calls;
  }

  release(calls: readonly Call[]): void {
    for (const { slots } of calls) this.store.release(slots);
  }

  /** All rows of the calls in one array, to be used before the next `gather`. */
  gather(calls: readonly Call[]): Rows {
    const length = calls.reduce((sum, { rows }) => sum + rows, 0) * this.features;
    if (this.batch.length < length) this.batch = newRows(this.batch, Math.max(length, 2 * this.batch.length));
    let row = 0;
    for (const { slots } of calls) row = this.store.copyTo(this.batch, row, slots);
    return this.batch.subarray(0, length);
  }

  hasNaN(call: Call): boolean {
    return this.store.hasNaN(call.slots);
  }
}
