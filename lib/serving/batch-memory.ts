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

/** Where the rows of a batch are put side by side when they come, and where its results are written: read and written in place. */
export class BatchMemory {
  private inputs: Rows;
  private outputs: Rows;

  /** The types are shown by empty arrays. */
  constructor(
    input: Rows,
    output: Rows,
    private readonly inFeatures: number,
    private readonly outFeatures: number,
  ) {
    this.inputs = newRows(input, 0);
    this.outputs = newRows(output, 0);
  }

  /** Rows it has room for. */
  get capacity(): number {
    return this.inputs.length / this.inFeatures;
  }

  /** Copies rows to row `at` and those after it; makes room, `most` rows at once where that is enough. Errors: ERR_MEMORY. */
  put(rows: Rows, at: number, most: number): void {
    const needed = at + rows.length / this.inFeatures;
    if (needed > this.capacity) {
      const capacity = Math.max(Math.min(Math.max(2 * this.capacity, FIRST_ROWS), most), needed);
      const larger = newRows(this.inputs, capacity * this.inFeatures);
      larger.set(this.inputs);
      this.inputs = larger;
    }
    this.inputs.set(rows, at * this.inFeatures);
  }

  /** Copies `count` rows within; the places may overlap. */
  move(to: number, from: number, count: number): void {
    const { inFeatures } = this;
    this.inputs.copyWithin(to * inFeatures, from * inFeatures, (from + count) * inFeatures);
  }

  /** A view of the rows. */
  input(from: number, count: number): Rows {
    return this.inputs.subarray(from * this.inFeatures, (from + count) * this.inFeatures);
  }

  /** A view of room for the results of that many rows, with any content. Errors: ERR_MEMORY. */
  output(count: number): Rows {
    const length = count * this.outFeatures;
    if (this.outputs.length < length)
      this.outputs = newRows(this.outputs, Math.max(count, this.capacity) * this.outFeatures);
    return this.outputs.subarray(0, length);
  }
}
