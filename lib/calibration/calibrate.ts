import { timersPromises } from '../builtins';
import { expected, RequantError } from '../errors';
import { chosen } from './choose';
import type { Method } from './methods';
import { createWatcher, type Watcher } from './observers';
import { checkOptions } from './options';
import { makeCalibration } from './result';
import type { Batches, Calibratable, CalibrateOptions, Calibration, MakeJudge } from './types';

/** Most rows a model is asked to run at once: bounds its memory, and how long the event loop waits. */
const CHUNK_ROWS = 4096;

/**
 * Runs the batches through a float model and chooses a range for each of its values.
 *
 * The batches are read once, and each must not change until the next is asked for. Between parts of at most 4096 rows
 * the event loop gets a turn, `onProgress` tells the rows so far, and `signal` is looked at. ±Infinity is left out of
 * the ranges. The ranges depend on the rows alone, not on their order or on how they are cut into batches (except with
 * 'movingAverage', which is defined by batches). Nothing is random: `seed` has no effect. 'auto' watches with every
 * observer in the one pass, makes the static int8 model of each one's ranges, and takes those with the smallest
 * Σ(int8 − float)² over the outputs of the kept rows; `method` of the result names the observer.
 *
 * @throws ERR_NAN_INPUT naming value, row (from the first row of all) and column, both from 0
 * @throws ERR_DTYPE a batch that is not a Float32Array
 * @throws ERR_SHAPE a batch whose length is not a multiple of the model's inFeatures
 * @throws ERR_ARGUMENT a bad option, batches that cannot be iterated, or no rows at all
 * @throws ERR_MODEL_KIND a model that cannot be observed
 * @throws signal.reason when aborted
 */
export function calibrate(
  model: Calibratable,
  batches: Batches,
  options?: CalibrateOptions,
): Promise<Calibration> {
  return calibrateJudged(model, batches, options);
}

/** `calibrate` with a judge for 'auto', which is 'mse' without one. */
export async function calibrateJudged(
  model: Calibratable,
  batches: Batches,
  options?: CalibrateOptions,
  makeJudge?: MakeJudge,
): Promise<Calibration> {
  const settings = checkOptions(options);
  if (typeof model?.observe !== 'function') throw expected('ERR_MODEL_KIND', 'a float model (MLP)', model);
  const { signal, onProgress } = settings;
  const throwIfAborted = (): void => {
    if (signal?.aborted) throw signal.reason;
  };
  throwIfAborted();

  const observers = new Map(model.valueNames.map((name) => [name, createWatcher(settings.method, settings)]));
  const kept = new KeptRows(settings.keepRows, model.inFeatures);
  let rows = 0;
  for await (const batch of iterate(batches)) {
    throwIfAborted();
    for (const chunk of chunksOf(batch, model.inFeatures)) {
      observeChunk(model, chunk, rows, observers);
      kept.add(chunk);
      rows += chunk.length / model.inFeatures;
      onProgress?.({ step: 'calibrate', done: rows });
      await timersPromises().setImmediate();
      throwIfAborted();
    }
    for (const observer of observers.values()) observer.endBatch?.();
  }
  if (rows === 0)
    throw new RequantError('ERR_ARGUMENT', 'expected batches with at least one row but received none');

  const keptRows = kept.toArray();
  const calibrationBy = (method: Method): Calibration => {
    const ranges = [...observers].map(([name, observer]) => [name, observer.range(method)] as const);
    return makeCalibration(method, rows, ranges, keptRows);
  };
  if (settings.method !== 'auto') return calibrationBy(settings.method);
  return chosen(makeJudge, keptRows, calibrationBy, async () => {
    await timersPromises().setImmediate();
    throwIfAborted();
  });
}

/** One array is one batch. */
function iterate(batches: Batches): Iterable<Float32Array> | AsyncIterable<Float32Array> {
  if (ArrayBuffer.isView(batches)) return [batches];
  const iterable = typeof batches === 'object' && batches !== null;
  if (iterable && (Symbol.iterator in batches || Symbol.asyncIterator in batches)) return batches;
  throw expected('ERR_ARGUMENT', 'batches to be a Float32Array or an (async) iterable of them', batches);
}

/** Views of at most CHUNK_ROWS rows. */
function* chunksOf(batch: unknown, inFeatures: number): Generator<Float32Array> {
  if (!(batch instanceof Float32Array)) {
    throw expected('ERR_DTYPE', 'each batch to be a Float32Array', batch);
  }
  if (batch.length % inFeatures !== 0) {
    const what = `each batch to hold whole rows of ${inFeatures} features`;
    throw expected('ERR_SHAPE', what, batch);
  }
  const step = CHUNK_ROWS * inFeatures;
  for (let start = 0; start < batch.length; start += step) yield batch.subarray(start, start + step);
}

function observeChunk(
  model: Calibratable,
  chunk: Float32Array,
  firstRow: number,
  observers: ReadonlyMap<string, Watcher>,
): void {
  const rows = chunk.length / model.inFeatures;
  model.observe(chunk, (name, data) => {
    const nan = data.findIndex(Number.isNaN);
    if (nan >= 0) {
      const features = data.length / rows;
      const at = `row ${firstRow + Math.floor(nan / features)}, column ${nan % features} of '${name}'`;
      throw new RequantError(
        'ERR_NAN_INPUT',
        `expected numbers in the calibration data but received NaN in ${at}`,
      );
    }
    const observer = observers.get(name);
    if (observer === undefined) throw expected('ERR_ARGUMENT', 'a value listed in valueNames', name);
    observer.observe(data);
  });
}

/** Copies of the first rows. */
class KeptRows {
  readonly #parts: Float32Array[] = [];
  #missing: number;

  constructor(rows: number, features: number) {
    this.#missing = rows * features;
  }

  add(chunk: Float32Array): void {
    if (this.#missing === 0) return;
    const part = chunk.slice(0, this.#missing);
    this.#missing -= part.length;
    this.#parts.push(part);
  }

  toArray(): Float32Array {
    const all = new Float32Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}
