import { RequantError } from '../errors';
import type { Rows } from '../models/model';

const FIRST_ROWS = 16;

/** A new array of the same type. Errors: ERR_MEMORY. */
export function newRows<R extends Rows>(like: R, length: number): R;
export function newRows(like: Rows, length: number): Rows {
  try {
    if (like instanceof Float32Array) return new Float32Array(length);
    return like instanceof Int8Array ? new Int8Array(length) : new Uint8Array(length);
  } catch (cause) {
    const message = `expected memory for ${length} values but the system refused`;
    throw new RequantError('ERR_MEMORY', message, { cause });
  }
}

/**
 * Rows that wait, each in a slot of one array. A slot that is given back is the next one given out, so memory grows
 * with the most rows that ever waited at the same time, and then no more.
 */
export class RowStore {
  private data: Rows;
  private readonly free: number[] = [];
  /** Slots from here on were never given out. */
  private unused = 0;

  constructor(
    like: Rows,
    private readonly features: number,
  ) {
    this.data = newRows(like, FIRST_ROWS * features);
  }

  /** Copies `count` rows; returns their slots. Errors: ERR_MEMORY. */
  put(input: Rows, count: number): readonly number[] {
    this.reserve(this.unused + Math.max(count - this.free.length, 0));
    const slots: number[] = [];
    for (let i = 0; i < count; i++) slots.push(this.free.pop() ?? this.unused++);
    for (let i = 0; i < count; i++)
      this.data.set(count === 1 ? input : this.row(input, i), slots[i]! * this.features);
    return slots;
  }

  release(slots: readonly number[]): void {
    for (const slot of slots) this.free.push(slot);
  }

  /** Writes the rows one after the other from row `at` of `target`; returns the row after the last. */
  copyTo(target: Rows, at: number, slots: readonly number[]): number {
    for (const slot of slots) target.set(this.row(this.data, slot), at++ * this.features);
    return at;
  }

  hasNaN(slots: readonly number[]): boolean {
    return slots.some((slot) => this.row(this.data, slot).includes(Number.NaN));
  }

  private row(rows: Rows, index: number): Rows {
    return rows.subarray(index * this.features, (index + 1) * this.features);
  }

  private reserve(rows: number): void {
    const length = rows * this.features;
    if (length <= this.data.length) return;
    const larger = newRows(this.data, Math.max(length, 2 * this.data.length));
    larger.set(this.data);
    this.data = larger;
  }
}
