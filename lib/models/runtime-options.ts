import { checkInteger, checkOptionKeys, checkWord } from '../runtime/checks';

/** Fixed when a model is made (constructor, load, quantize); never per call. */
export interface RuntimeOptions {
  /**
   * Most threads one call may use, out of the one pool of the process (size: REQUANT_THREADS, else the CPUs that the
   * process may use, else its container's quota, rounded down, where that is less). Default: all. Results are the same.
   */
  threads?: number;
  /** NaN in the input of an integer stage: an error, or the same as 0. A float32 MLP lets NaN through. Default 'error'. */
  onNaN?: 'error' | 'zero';
  /** Pending `run` calls of this model before ERR_QUEUE_FULL; default 1024. */
  maxQueue?: number;
}

export const RUNTIME_OPTION_KEYS: readonly (keyof RuntimeOptions)[] = ['threads', 'onNaN', 'maxQueue'];
const DEFAULT_MAX_QUEUE = 1024;

export interface RuntimeSettings {
  readonly threads: number | undefined;
  readonly nanIsZero: boolean;
  readonly maxQueue: number;
}

/** Checks and completes; other keys than `alsoKnown` are refused. Errors: ERR_ARGUMENT. */
export function runtimeSettings(
  options: RuntimeOptions | undefined,
  alsoKnown: readonly string[] = [],
): RuntimeSettings {
  checkOptionKeys('options', options, [...RUNTIME_OPTION_KEYS, ...alsoKnown]);
  const { threads, onNaN = 'error', maxQueue = DEFAULT_MAX_QUEUE } = options ?? {};
  if (threads !== undefined) checkInteger('threads', threads, 1, 1024);
  checkWord('onNaN', onNaN, ['error', 'zero']);
  checkInteger('maxQueue', maxQueue, 1, 2 ** 31 - 1);
  return { threads, nanIsZero: onNaN === 'zero', maxQueue };
}
