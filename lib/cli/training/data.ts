import { npyDType } from '../../formats/npy';
import type { Dataset } from '../../training/dataset';
import type { Context } from '../outcome';
import { type RowSource, readLabels, withRows } from '../rows';
import type { DataFiles } from './config';

/** What a model takes and gives. */
export interface Ports {
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/**
 * The data of two .npy files. Inputs of uint8 stay bytes unless they are scaled. Targets of integers are classes, those
 * of floats values [rows, outFeatures]. Errors: as `withRows` and `readLabels`.
 */
export function readDataset(
  { inputs, targets }: DataFiles,
  { inFeatures, outFeatures }: Ports,
  factor: number | undefined,
  context: Context,
): Promise<Dataset> {
  return withRows(inputs, inFeatures, factor, async (source) => {
    const keepsBytes = source.dtype === 'uint8' && factor === undefined;
    const length = source.rows * inFeatures;
    return {
      inputs: await fill(keepsBytes ? new Uint8Array(length) : new Float32Array(length), source, context),
      targets: await readTargets(targets, source, outFeatures, context),
    };
  });
}

async function readTargets(
  path: string,
  rows: RowSource,
  outFeatures: number,
  context: Context,
): Promise<Dataset['targets']> {
  const isValues = (await npyDType(path)).startsWith('float');
  if (!isValues) return readLabels(path, rows, outFeatures);
  return withRows(path, outFeatures, undefined, (source) =>
    fill(new Float32Array(source.rows * outFeatures), source, context),
  );
}

async function fill<A extends Float32Array | Uint8Array>(
  array: A,
  source: RowSource,
  { signal, onProgress }: Context,
): Promise<A> {
  let at = 0;
  for await (const batch of source.batches()) {
    signal?.throwIfAborted();
    array.set(batch, at);
    at += batch.length;
    onProgress({ step: 'read', done: (at / array.length) * source.rows, total: source.rows });
  }
  return array;
}
