import { expected, RequantError } from '../errors';
import { type NpyRowDType, openNpy, readNpyLabels } from '../formats/npy';

/** The rows of an open .npy file, scaled, as a model takes them. */
export interface RowSource {
  readonly path: string;
  readonly rows: number;
  readonly dtype: NpyRowDType;
  /** Each call starts at the first row; one batch is held at a time. Errors: ERR_NAN_INPUT. */
  batches(batchRows?: number): AsyncGenerator<Float32Array>;
}

/** Opens the file for the time of `body`. Errors: as `openNpy`, ERR_SHAPE (a row is not what the model takes). */
export async function withRows<T>(
  path: string,
  features: number,
  factor: number | undefined,
  body: (source: RowSource) => Promise<T>,
): Promise<T> {
  const file = await openNpy(path);
  try {
    if (file.features !== features) {
      throw expected(
        'ERR_SHAPE',
        `rows of ${features} features in '${path}' (the model's input)`,
        file.features,
      );
    }
    if (file.rows === 0) throw expected('ERR_SHAPE', `at least one row in '${path}'`, 0);
    return await body({
      path,
      rows: file.rows,
      dtype: file.dtype,
      batches: (batchRows) => prepared(file.batches(batchRows), path, features, factor),
    });
  } finally {
    await file.close();
  }
}

/** All rows at once. Errors: as `batches`. */
export async function readAll(source: RowSource): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for await (const batch of source.batches()) parts.push(batch.slice());
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

async function* prepared(
  batches: AsyncGenerator<Float32Array>,
  path: string,
  features: number,
  factor: number | undefined,
): AsyncGenerator<Float32Array> {
  let row = 0;
  for await (const batch of batches) {
    checkNumbers(batch, path, row, features);
    if (factor !== undefined) for (let i = 0; i < batch.length; i++) batch[i]! *= factor;
    yield batch;
    row += batch.length / features;
  }
}

function checkNumbers(batch: Float32Array, path: string, firstRow: number, features: number): void {
  const at = batch.findIndex(Number.isNaN);
  if (at < 0) return;
  const place = `row ${firstRow + Math.floor(at / features)}, column ${at % features}`;
  throw new RequantError('ERR_NAN_INPUT', `expected numbers in '${path}' but received NaN in ${place}`);
}

/** Class labels, one a row. Errors: as `readNpyLabels`, ERR_SHAPE (their number), ERR_ARGUMENT (no such class). */
export async function readLabels(path: string, source: RowSource, classes: number): Promise<Int32Array> {
  const labels = await readNpyLabels(path);
  if (labels.length !== source.rows) {
    throw expected(
      'ERR_SHAPE',
      `${source.rows} labels in '${path}', one a row of '${source.path}'`,
      labels.length,
    );
  }
  const bad = labels.findIndex((label) => label < 0 || label >= classes);
  if (bad >= 0) {
    throw expected('ERR_ARGUMENT', `labels in 0…${classes - 1} in '${path}'`, `${labels[bad]} at row ${bad}`);
  }
  return labels;
}
