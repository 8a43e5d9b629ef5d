import type { JobOptions } from '../calibration/types';
import { expected } from '../errors';
import type { DType, TensorData } from '../tensor';
import { Turn } from '../turn';
import { type CheckedDataset, RowOrder } from './dataset';
import type { Fingerprint } from './fingerprint';

/** What some rows gave. */
export interface BatchResult {
  /** Sum over the rows: the loop divides. */
  readonly loss: number;
  /** Rows whose largest output is the target class; undefined without classes. */
  readonly correct: number | undefined;
}

/** All that a learner's next steps depend on: flat arrays and numbers by name. */
export interface LearnerState {
  readonly tensors: Readonly<Record<string, TensorData[DType]>>;
  readonly numbers: Readonly<Record<string, number>>;
}

/**
 * What the loop trains: a model with its optimizer. Steps are synchronous and depend on the state and the rows alone, not
 * on time or threads, so that a restored learner goes on to the same bits.
 */
export interface Learner {
  /**
   * What decides the bits beside data, batch size and seed: kind, options, `graphHash` of the first model. A checkpoint
   * goes on only where all of it is the same. The number of epochs counts only where steps depend on it (a schedule).
   */
  identity(): Fingerprint;
  /** One update from these rows of the data. Loss and correct are those before the update. */
  step(data: CheckedDataset, rows: Uint32Array): BatchResult;
  /** The same without an update; leaves the state as it is. */
  judge(data: CheckedDataset, rows: Uint32Array): BatchResult;
  /** Before the first step of an epoch (1, 2, …), and once more where training resumes within it. */
  beginEpoch?(epoch: number): void;
  /** May be the learner's own arrays: the loop only reads them, and before the next step. */
  state(): LearnerState;
  /** Errors: ERR_FORMAT where the state is not of this learner (see `copyState`). */
  restore(state: LearnerState): void;
}

/** One epoch. */
export interface Epoch {
  epoch: number;
  /** Mean over the rows, each judged just before the update that it took part in. */
  loss: number;
  /** In [0, 1], for classes: of the validation rows where there are some, else of the training rows. */
  accuracy?: number;
  /** Mean over the validation rows after the epoch. */
  validationLoss?: number;
}

/** Where training stands: between two batches. */
export interface Position {
  /** The current epoch, from 1. */
  epoch: number;
  /** Rows of the epoch that are done; all of them: only validation is missing. */
  done: number;
  /** Sums over those rows. */
  loss: number;
  correct: number | undefined;
}

/** All that the rest of a training run depends on. */
export interface Standing {
  readonly position: Position;
  readonly history: Epoch[];
  /** Of the current epoch. */
  readonly order: RowOrder;
}

/** Where standings are kept (checkpoint.ts). */
export interface Keeper {
  /** Puts learner and standing where they were, if there is something to resume. */
  resume(learner: Learner, standing: Standing): Promise<void>;
  /** After every epoch (`urgent`), between batches, and before an abort goes on (`urgent`). */
  keep(learner: Learner, standing: Standing, urgent: boolean): Promise<void>;
}

/** A checked job (job.ts). */
export interface TrainingJob {
  readonly data: CheckedDataset;
  readonly validation: CheckedDataset | undefined;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: JobOptions['onProgress'];
  readonly keeper: Keeper | undefined;
}

/**
 * Epochs over the rows in an order that the seed decides, in batches; the last one of an epoch may be smaller. An abort
 * rejects with `signal.reason`, after a last checkpoint where there is a keeper.
 * @throws {RequantError} ERR_DIVERGED, and what learner and keeper throw
 */
export async function runTraining(learner: Learner, job: TrainingJob): Promise<readonly Epoch[]> {
  const standing = firstStanding(job);
  await job.keeper?.resume(learner, standing);
  const turn = new Turn(job.signal);
  try {
    while (standing.position.epoch <= job.epochs) await runEpoch(learner, job, standing, turn);
  } catch (error) {
    if (job.signal?.aborted) await job.keeper?.keep(learner, standing, true);
    throw error;
  }
  return standing.history;
}

function firstStanding({ data, seed }: TrainingJob): Standing {
  return {
    position: beforeEpoch(1),
    history: [],
    order: new RowOrder(data.rows, seed),
  };
}

function beforeEpoch(epoch: number): Position {
  return { epoch, done: 0, loss: 0, correct: 0 };
}

async function runEpoch(learner: Learner, job: TrainingJob, standing: Standing, turn: Turn): Promise<void> {
  const { position, history, order } = standing;
  const { data, validation } = job;
  const { epoch } = position;
  if (position.done === 0) {
    // An epoch that was cut off before its first batch must not be shuffled twice: the abort is looked at first.
    await turn.yieldWhenDue();
    order.shuffle();
  }
  learner.beginEpoch?.(epoch);
  await runBatches(learner, job, standing, turn);
  const judged = validation && (await validate(learner, job, validation, epoch, turn));
  const correct = judged ? judged.correct : position.correct;
  history.push({
    epoch,
    loss: position.loss / data.rows,
    ...(correct !== undefined && { accuracy: correct / (validation ?? data).rows }),
    ...(judged && { validationLoss: judged.loss / validation.rows }),
  });
  Object.assign(position, beforeEpoch(epoch + 1));
  await job.keeper?.keep(learner, standing, true);
}

async function runBatches(learner: Learner, job: TrainingJob, standing: Standing, turn: Turn): Promise<void> {
  const { data, batchSize, onProgress } = job;
  const { position, order } = standing;
  const [started, skipped] = [performance.now(), position.done];
  while (position.done < data.rows) {
    // Before the first batch the order is not yet what a checkpoint may hold: see runEpoch.
    if (position.done > 0) {
      await turn.yieldWhenDue();
      await job.keeper?.keep(learner, standing, false);
    }
    const rows = order.rows.subarray(position.done, position.done + batchSize);
    advance(position, learner.step(data, rows), rows.length);
    const { done } = position;
    onProgress?.({
      step: `epoch ${position.epoch}/${job.epochs}`,
      done,
      total: data.rows,
      loss: position.loss / done,
      ...(position.correct !== undefined && { accuracy: position.correct / done }),
      rowsPerSecond: ((done - skipped) * 1000) / (performance.now() - started),
    });
  }
}

/** @throws {RequantError} ERR_DIVERGED */
function advance(position: Position, { loss, correct }: BatchResult, rows: number): void {
  if (!Number.isFinite(loss))
    throw expected(
      'ERR_DIVERGED',
      `a finite loss in epoch ${position.epoch}; try a smaller learning rate`,
      loss,
    );
  position.done += rows;
  position.loss += loss;
  position.correct = correct === undefined ? undefined : (position.correct ?? 0) + correct;
}

async function validate(
  learner: Learner,
  { batchSize }: TrainingJob,
  data: CheckedDataset,
  epoch: number,
  turn: Turn,
): Promise<BatchResult> {
  const sum = beforeEpoch(epoch);
  while (sum.done < data.rows) {
    await turn.yieldWhenDue();
    const length = Math.min(batchSize, data.rows - sum.done);
    const rows = new Uint32Array(length).map((_, i) => sum.done + i);
    advance(sum, learner.judge(data, rows), length);
  }
  return sum;
}

/**
 * Copies saved arrays into a learner's own, for `restore`.
 * @throws {RequantError} ERR_FORMAT naming the array that is missing, unknown, or of another type or length
 */
export function copyState(to: LearnerState['tensors'], from: LearnerState['tensors']): void {
  for (const name of new Set([...Object.keys(to), ...Object.keys(from)])) {
    const [target, source] = [to[name], from[name]];
    if (target?.constructor !== source?.constructor || target!.length !== source!.length)
      throw expected('ERR_FORMAT', `a state with '${name}': ${shown(target)}`, shown(source));
    target!.set(source!);
  }
}

function shown(array: TensorData[DType] | undefined): string {
  return array === undefined ? 'none' : `${array.constructor.name} of length ${array.length}`;
}
