import type { Model, Rows } from '../models/model';
import { Batch } from './batch';
import { BatchMemory } from './batch-memory';
import { type Call, placesOf } from './call';

/** What calls have in common that can be merged: the types of their arrays, shown by empty ones. */
export interface LaneTypes {
  readonly input: Rows;
  readonly output: Rows;
}

/** Memory of batches that have ended, kept for those that follow. */
const MAX_SPARE = 8;

/** Calls that can be merged with each other, in batches, in the order they came. Their rows are copied when they come. */
export class Lane {
  /** Places that the waiting calls take. */
  places = 0;
  /** All but the last one take no more calls. */
  private readonly waiting: Batch[] = [];
  private readonly spare: BatchMemory[] = [];

  constructor(
    private readonly model: Model,
    private readonly types: LaneTypes,
    private readonly maxBatch: number,
  ) {}

  /** The call that has waited longest. */
  get first(): Call | undefined {
    return this.waiting[0]?.first;
  }

  /** Whether the first batch takes no more calls. */
  get isFull(): boolean {
    return this.waiting.length > 1 || (this.waiting[0]?.places ?? 0) >= this.maxBatch;
  }

  /** Copies rows to where they wait; to be followed by `add`, with the call that they are of. Errors: ERR_MEMORY. */
  put(input: Rows, rows: number): Batch {
    const last = this.waiting.at(-1);
    const batch =
      last !== undefined && last.places + placesOf(rows) <= this.maxBatch ? last : this.newBatch();
    batch.memory.put(input, batch.rows, this.maxBatch);
    return batch;
  }

  add(call: Call): void {
    const { batch, places } = call;
    if (this.waiting.at(-1) !== batch) this.waiting.push(batch);
    batch.add(call);
    this.places += places;
  }

  /** Takes out a call that has left; false where it waits no more. */
  remove(call: Call): boolean {
    const { batch } = call;
    const index = this.waiting.indexOf(batch);
    if (index < 0) return false;
    this.places -= call.places;
    batch.remove(call);
    if (batch.first === undefined) {
      this.waiting.splice(index, 1);
      this.recycle(batch);
    }
    return true;
  }

  /** The first batch; there must be one. */
  take(): Batch {
    const batch = this.waiting.shift()!;
    this.places -= batch.places;
    batch.close();
    return batch;
  }

  /** The memory of a batch that nobody reads or writes any more. */
  recycle({ memory }: Batch): void {
    if (memory.capacity <= this.maxBatch && this.spare.length < MAX_SPARE) this.spare.push(memory);
  }

  private newBatch(): Batch {
    const { input, output } = this.types;
    const { inFeatures, outFeatures } = this.model;
    const memory = this.spare.pop() ?? new BatchMemory(input, output, inFeatures, outFeatures);
    return new Batch(this.model, this, memory);
  }
}
