import type { JobOptions } from '../calibration/types';
import { expected, RequantError } from '../errors';
import { checkInteger, checkOptionKeys } from '../runtime/checks';
import { checkDataset, type Dataset } from './dataset';
import type { Epoch, TrainingJob } from './loop';

/** What every kind of training takes. */
export interface LoopOptions extends JobOptions {
  epochs: number;
  /** Default 64. The last batch of an epoch may be smaller. */
  batchSize?: number;
  /** Judged after each epoch; `accuracy` in the history is then this one's. */
  validation?: Dataset;
  /** Not yet supported. */
  checkpoint?: string;
}

/** The trained model and how it got there. */
export interface TrainResult<M> {
  model: M;
  history: readonly Epoch[];
}

const LOOP_KEYS = ['epochs', 'batchSize', 'validation', 'checkpoint', 'signal', 'onProgress', 'seed'];

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
  const { epochs, batchSize = 64, seed = 0, validation, signal, onProgress, checkpoint } = options;
  checkInteger('epochs', epochs, 1, 2 ** 31);
  checkInteger('batchSize', batchSize, 1, 2 ** 24);
  checkInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  if (checkpoint !== undefined)
    throw new RequantError('ERR_UNSUPPORTED', 'expected no checkpoint, which this version cannot write');
  return {
    data: checkDataset('data', data, inFeatures, outFeatures),
    validation: validation && checkDataset('validation', validation, inFeatures, outFeatures),
    epochs,
    batchSize,
    seed,
    signal,
    onProgress,
    keeper: undefined,
  };
}
