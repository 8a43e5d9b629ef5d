import { expected } from '../errors';
import { Random } from '../random';
import { callNative } from '../runtime/native';

/**
 * Row-major inputs [rows, inFeatures]; bytes count as the numbers 0…255. Targets: class indices, one a row (Uint8Array,
 * Int32Array), or values [rows, outFeatures] (Float32Array).
 */
export interface Dataset {
  inputs: Float32Array | Uint8Array;
  targets: Uint8Array | Int32Array | Float32Array;
}

/** A dataset that fits a model. */
export interface CheckedDataset extends Dataset {
  readonly rows: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly hasClasses: boolean;
}

/** Errors: ERR_DTYPE, ERR_SHAPE, ERR_ARGUMENT (no rows; a class that the model has no output for; NaN is not looked for). */
export function checkDataset(
  name: string,
  data: Dataset,
  inFeatures: number,
  outFeatures: number,
): CheckedDataset {
  const { inputs, targets } = data ?? {};
  if (!(inputs instanceof Float32Array || inputs instanceof Uint8Array)) {
    throw expected('ERR_DTYPE', `${name}.inputs to be a Float32Array or Uint8Array`, inputs);
  }
  const hasClasses = targets instanceof Uint8Array || targets instanceof Int32Array;
  if (!hasClasses && !(targets instanceof Float32Array)) {
    throw expected('ERR_DTYPE', `${name}.targets to be a Uint8Array, Int32Array or Float32Array`, targets);
  }
  const rows = inputs.length / inFeatures;
  if (rows === 0) throw expected('ERR_ARGUMENT', `${name} with at least one row`, 0);
  const targetLength = rows * (hasClasses ? 1 : outFeatures);
  if (!Number.isInteger(rows))
    throw expected('ERR_SHAPE', `${name}.inputs of rows of ${inFeatures}`, `${inputs.length} values`);
  if (targets.length !== targetLength)
    throw expected('ERR_SHAPE', `${name}.targets of length ${targetLength}`, targets.length);
  const wrong = hasClasses ? targets.findIndex((c: number) => c < 0 || c >= outFeatures) : -1;
  if (wrong >= 0)
    throw expected(
      'ERR_ARGUMENT',
      `${name}.targets to be classes in [0, ${outFeatures - 1}]`,
      targets[wrong],
    );
  return { inputs, targets, rows, inFeatures, outFeatures, hasClasses };
}

/**
 * The rows in an order that a seed decides, another one in each epoch: an epoch shuffles the order of the one before
 * (Fisher–Yates, lib/random.ts).
 */
export class RowOrder {
  /** The order now; at first 0, 1, … */
  readonly rows: Uint32Array;
  /** What the next orders follow from. */
  readonly random: Random;

  constructor(count: number, seed: number) {
    this.rows = new Uint32Array(count).map((_, i) => i);
    this.random = new Random(seed);
  }

  /** The order of the next epoch. */
  shuffle(): void {
    this.random.shuffle(this.rows);
  }
}

/** Copies the inputs of some rows; bytes become the numbers 0…255. */
export function gatherInputs(
  { inputs, inFeatures }: CheckedDataset,
  rows: Uint32Array,
  out: Float32Array,
): void {
  callNative((addon) => addon.gatherRows(inputs, inFeatures, rows, out));
}
