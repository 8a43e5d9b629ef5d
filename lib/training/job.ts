import type { JobOptions } from '../calibration/types';
import { expected } from '../errors';
import { checkFinite, checkInteger, checkOptionKeys } from '../runtime/checks';
import { CheckpointFile, type CheckpointSettings } from './checkpoint';
import { checkDataset, type Dataset } from './dataset';
import type { Epoch, TrainingJob } from './loop';

/** What every kind of training takes. */
export interface LoopOptions extends JobOptions {
  epochs: number;
  /** Default 64. The last batch of an epoch may be smaller. */
  batchSize?: number;
  /** Judged after each epoch; `accuracy` in the history is then this one's. */
  validation?: Dataset;
  /** File of the state of the run: written after every epoch and before an abort rejects. */
  checkpoint?: string;
  /** Write it within an epoch too, where so many seconds have passed since the last time. */
  checkpointSeconds?: number;
  /**
   * Go on from the file `checkpoint`, to the bits of a run that was never cut off. Data and options must be the same;
   * `epochs` may be more.
   */
  resume?: boolean;
}

/** The trained model and how it got there. */
export interface TrainResult<M> {
  model: M;
  history: readonly Epoch[];
}

const LOOP_KEYS = [
  'epochs',
  'batchSize',
  'validation',
  'checkpoint',
  'checkpointSeconds',
  'resume',
  'signal',
  'onProgress',
  'seed',
];

/**
 * The options that all kinds of training share, checked; `ownKeys` are those of one kind.
 * @throws {RequantError} ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE (data that does not fit)
 */
export function checkJob(
  { inFeatures, outFeatures }: { inFeatures: number; outFeatures: number },
  data: Dataset,
  options: LoopOptions,
  ownKeys: readonly string[],
): TrainingJob {
  if (options === undefined) throw expected('ERR_ARGUMENT', 'options with epochs', options);
  checkOptionKeys('options', options, [...LOOP_KEYS, ...ownKeys]);
  const { epochs, batchSize = 64, seed = 0, validation, signal, onProgress } = options;
  checkInteger('epochs', epochs, 1, 2 ** 31);
  checkInteger('batchSize', batchSize, 1, 2 ** 24);
  checkInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  const settings = checkpointSettings(options);
  const job = {
    data: checkDataset('data', data, inFeatures, outFeatures),
    validation: validation && checkDataset('validation', validation, inFeatures, outFeatures),
    epochs,
    batchSize,
    seed,
    signal,
    onProgress,
  };
  return { ...job, keeper: settings && new CheckpointFile(settings, job) };
}

function checkpointSettings(options: LoopOptions): CheckpointSettings | undefined {
  const { checkpoint: path, checkpointSeconds: seconds, resume = false } = options;
  if (typeof resume !== 'boolean') throw expected('ERR_ARGUMENT', 'resume to be a boolean', resume);
  if (path === undefined) {
    if (resume || seconds !== undefined)
      throw expected('ERR_ARGUMENT', 'a path as checkpoint beside resume or checkpointSeconds', path);
    return undefined;
  }
  if (typeof path !== 'string') throw expected('ERR_ARGUMENT', 'checkpoint to be a path', path);
  if (seconds !== undefined) {
    checkFinite('checkpointSeconds', seconds);
    if (seconds <= 0) throw expected('ERR_ARGUMENT', 'checkpointSeconds above 0', seconds);
  }
  return { path, seconds, resume };
}
