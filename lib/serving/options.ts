import { expected } from '../errors';
import { checkFinite, checkInteger, checkOptionKeys } from '../runtime/checks';

/** How calls are merged. Times are in ms. */
export interface MicroBatcherOptions {
  /** Most rows of one batch; default 128. A call with more rows is a batch of its own. */
  maxBatch?: number;
  /**
   * While a batch runs, the next one fills. If the first of its rows has waited this long (ms), it is handed to the model
   * beside the running one. Where nothing runs, nobody waits: a batch leaves as soon as the event loop has delivered what
   * it had. Default 2.
   */
  maxDelayMs?: number;
  /** Most rows that may wait, those of running batches not counted; more is ERR_QUEUE_FULL. Default 1024. */
  maxQueue?: number;
  /** Most batches in the model at the same time; default 2: one runs, and the next is there when it ends. */
  maxRunning?: number;
  /**
   * A batch that should take at most this long (ms, as rows of zeros take when the batcher is made) runs on the event loop
   * itself, by `runSync`: to wake a thread would take as long. 0: never. Default 0.1.
   */
  maxBlockMs?: number;
  /** Told of every batch when it has ended; for metrics. What it throws is an uncaught exception. */
  onBatch?: (batch: BatchReport) => void;
}

/** What happened to one batch. */
export interface BatchReport {
  readonly rows: number;
  readonly calls: number;
  /** How long its first call had waited when it left. */
  readonly waitMs: number;
  readonly runMs: number;
}

export type BatcherSettings = Required<Omit<MicroBatcherOptions, 'onBatch'>> & {
  readonly onBatch: ((batch: BatchReport) => void) | undefined;
};

const MAX_ROWS = 2 ** 24;
const KEYS: readonly (keyof MicroBatcherOptions)[] = [
  'maxBatch',
  'maxDelayMs',
  'maxQueue',
  'maxRunning',
  'maxBlockMs',
  'onBatch',
];

/** Checks and completes. Errors: ERR_ARGUMENT. */
export function batcherSettings(options: MicroBatcherOptions | undefined): BatcherSettings {
  checkOptionKeys('options', options, KEYS);
  const {
    maxBatch = 128,
    maxDelayMs = 2,
    maxQueue = 1024,
    maxRunning = 2,
    maxBlockMs = 0.1,
    onBatch,
  } = options ?? {};
  checkInteger('maxBatch', maxBatch, 1, MAX_ROWS);
  checkInteger('maxQueue', maxQueue, 1, MAX_ROWS);
  checkInteger('maxRunning', maxRunning, 1, 1024);
  checkMilliseconds('maxDelayMs', maxDelayMs);
  checkMilliseconds('maxBlockMs', maxBlockMs);
  if (onBatch !== undefined && typeof onBatch !== 'function')
    throw expected('ERR_ARGUMENT', 'onBatch to be a function', onBatch);
  return { maxBatch, maxDelayMs, maxQueue, maxRunning, maxBlockMs, onBatch };
}

/** A minute is more than any caller waits, and far from what `setTimeout` cannot count. */
const MAX_MILLISECONDS = 60_000;

function checkMilliseconds(name: string, value: unknown): void {
  checkFinite(name, value);
  if (value < 0 || value > MAX_MILLISECONDS)
    throw expected('ERR_ARGUMENT', `${name} to be in [0, ${MAX_MILLISECONDS}]`, value);
}
