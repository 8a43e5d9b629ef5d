import { expected } from '../errors';
import { isObserverName, METHOD_NAMES } from './methods';
import type { ObserverSettings } from './observers';
import type { CalibrateOptions, Observer, Progress } from './types';

/** CalibrateOptions, checked, with the defaults filled in. */
export interface CalibrateSettings extends ObserverSettings {
  readonly method: Observer;
  readonly keepRows: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((p: Progress) => void) | undefined;
}

/** @throws ERR_ARGUMENT naming the option */
export function checkOptions(options: CalibrateOptions = {}): CalibrateSettings {
  if (typeof options !== 'object' || options === null) {
    throw expected('ERR_ARGUMENT', 'options to be an object', options);
  }
  const {
    method = 'auto',
    percentile = 99.99,
    momentum = 0.9,
    keepRows = 1024,
    signal,
    onProgress,
  } = options;
  if (!isObserverName(method)) {
    throw expected('ERR_ARGUMENT', `method to be one of ${METHOD_NAMES.join(', ')}`, method);
  }
  if (!(typeof percentile === 'number' && percentile > 50 && percentile <= 100)) {
    throw expected('ERR_ARGUMENT', 'percentile to be a number in (50, 100]', percentile);
  }
  if (!(typeof momentum === 'number' && momentum >= 0 && momentum < 1)) {
    throw expected('ERR_ARGUMENT', 'momentum to be a number in [0, 1)', momentum);
  }
  if (!(Number.isSafeInteger(keepRows) && keepRows >= 0)) {
    throw expected('ERR_ARGUMENT', 'keepRows to be an integer ≥ 0', keepRows);
  }
  if (signal !== undefined && !(typeof signal === 'object' && signal !== null && 'aborted' in signal)) {
    throw expected('ERR_ARGUMENT', 'signal to be an AbortSignal', signal);
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw expected('ERR_ARGUMENT', 'onProgress to be a function', onProgress);
  }
  return { method, percentile, momentum, keepRows, signal, onProgress };
}
