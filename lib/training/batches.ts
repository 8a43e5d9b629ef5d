import { expected } from '../errors';
import { checkInteger, checkOptionKeys } from '../runtime/checks';
import { type Dataset, RowOrder } from './dataset';

/** Of `batches`. */
export interface BatchOptions {
  /** Rows of `data.inputs`: it alone knows how many features a row has. */
  rows: number;
  /** Default 64. The last batch of an epoch may be smaller. */
  batchSize?: number;
  /** Default 0. */
  seed?: number;
  /** Default 1. */
  epochs?: number;
}

/**
 * Copies of the rows, batch after batch, in the order in which `train` takes them with the same seed and batch size.
 *
 * Errors: ERR_ARGUMENT, ERR_SHAPE (inputs or targets of no whole number of values a row).
 */
export function batches<D extends Dataset>(data: D, options: BatchOptions): Generator<D, void, undefined> {
  checkOptionKeys('options', options, ['rows', 'batchSize', 'seed', 'epochs']);
  const { rows, batchSize = 64, seed = 0, epochs = 1 } = options ?? {};
  checkInteger('rows', rows, 1, 2 ** 31 - 1);
  checkInteger('batchSize', batchSize, 1, 2 ** 24);
  checkInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  checkInteger('epochs', epochs, 1, 2 ** 31);
  for (const [name, { length }] of Object.entries({ inputs: data.inputs, targets: data.targets })) {
    if (length === 0 || length % rows !== 0)
      throw expected('ERR_SHAPE', `data.${name} of ${rows} rows`, `${length} values`);
  }
  return generate(data, new RowOrder(rows, seed), batchSize, epochs);
}

function* generate<D extends Dataset>(
  { inputs, targets }: D,
  order: RowOrder,
  batchSize: number,
  epochs: number,
): Generator<D, void, undefined> {
  for (let epoch = 0; epoch < epochs; epoch++) {
    order.shuffle();
    for (let at = 0; at < order.rows.length; at += batchSize) {
      const rows = order.rows.subarray(at, at + batchSize);
      const count = order.rows.length;
      yield { inputs: gather(inputs, rows, count), targets: gather(targets, rows, count) } as D;
    }
  }
}

/** Values of some rows of an array that has `count` of them. */
function gather<A extends Dataset['inputs'] | Dataset['targets']>(
  array: A,
  rows: Uint32Array,
  count: number,
): A {
  const features = array.length / count;
  const out = array.slice(0, rows.length * features);
  rows.forEach((row, i) => {
    out.set(array.subarray(row * features, (row + 1) * features), i * features);
  });
  return out as A;
}
