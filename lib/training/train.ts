import type { JobOptions } from '../calibration/types';
import { expected, RequantError } from '../errors';
import { MLP } from '../models/mlp';
import { Random } from '../random';
import { checkInteger, checkOptionKeys, checkWord } from '../runtime/checks';
import { Turn } from '../turn';
import { type CheckedDataset, checkDataset, type Dataset, gatherInputs } from './dataset';
import { LOSSES, type Loss, type LossName } from './loss';
import { Network } from './network';
import { createOptimizer, type Optimizer, type OptimizerOptions } from './optimizer';

export interface TrainOptions extends JobOptions {
  epochs: number;
  /** Default 64. The last batch of an epoch may be smaller. */
  batchSize?: number;
  /** Default Adam with a learning rate of 0.001. */
  optimizer?: OptimizerOptions;
  /** Default: crossEntropy for classes, mse for values. Cross-entropy is taken of logits: a last softmax is left out. */
  loss?: LossName;
  /** Judged after each epoch; `accuracy` in the history is then this one's. */
  validation?: Dataset;
  /** Not yet supported. */
  checkpoint?: string;
}

/** The trained model and how it got there. */
export interface TrainResult<M> {
  model: M;
  /** Mean loss over the epoch; accuracy in [0, 1], for classes. */
  history: readonly { epoch: number; loss: number; accuracy?: number }[];
}

const OPTION_KEYS = [
  'epochs',
  'batchSize',
  'optimizer',
  'loss',
  'validation',
  'checkpoint',
  'signal',
  'onProgress',
  'seed',
];

/**
 * Mini-batch gradient descent in float32. A new model; the argument is untouched. Same seed (order of rows; default 0)
 * and same data: the same bits on every CPU.
 *
 * Errors: ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE (data that does not fit), ERR_DIVERGED (the loss is not finite),
 * ERR_UNSUPPORTED (checkpoint). An abort rejects with `signal.reason`.
 */
export async function train(model: MLP, data: Dataset, options: TrainOptions): Promise<TrainResult<MLP>> {
  const job = checkJob(model, data, options);
  const network = new Network(model.graph);
  const random = new Random(job.seed);
  const order = Uint32Array.from({ length: job.data.rows }, (_, i) => i);
  const history: { epoch: number; loss: number; accuracy?: number }[] = [];
  for (let epoch = 1; epoch <= job.epochs; epoch++) {
    random.shuffle(order);
    const trained = await runEpoch(network, job, order, epoch);
    const accuracy = job.validation ? await validate(network, job, job.validation) : trained.accuracy;
    history.push({ epoch, loss: trained.loss, ...(accuracy !== undefined && { accuracy }) });
  }
  return { model: MLP.fromGraph(network.snapshot(), model.metadata), history };
}

interface Job {
  readonly data: CheckedDataset;
  readonly validation: CheckedDataset | undefined;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** The value that the loss is taken of. */
  readonly output: string;
  readonly turn: Turn;
  readonly onProgress: JobOptions['onProgress'];
}

function checkJob(model: MLP, data: Dataset, options: TrainOptions): Job {
  if (!(model instanceof MLP)) throw expected('ERR_MODEL_KIND', 'a float MLP', model);
  if (options === undefined) throw expected('ERR_ARGUMENT', 'options with epochs', options);
  checkOptionKeys('options', options, OPTION_KEYS);
  const { epochs, batchSize = 64, seed = 0, signal, onProgress, checkpoint } = options;
  checkInteger('epochs', epochs, 1, 2 ** 31);
  checkInteger('batchSize', batchSize, 1, 2 ** 24);
  checkInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  if (checkpoint !== undefined)
    throw new RequantError('ERR_UNSUPPORTED', 'expected no checkpoint, which this version cannot write');
  const checked = checkDataset('data', data, model.inFeatures, model.outFeatures);
  const name = options.loss ?? (checked.hasClasses ? 'crossEntropy' : 'mse');
  checkWord('loss', name, ['crossEntropy', 'mse']);
  return {
    data: checked,
    validation:
      options.validation &&
      checkDataset('validation', options.validation, model.inFeatures, model.outFeatures),
    epochs,
    batchSize,
    seed,
    loss: LOSSES[name],
    optimizer: createOptimizer(options.optimizer ?? { type: 'adam', learningRate: 0.001 }),
    output: lossValue(model, name),
    turn: new Turn(signal),
    onProgress,
  };
}

/** Cross-entropy holds its own softmax: one at the end of the model is left out. */
function lossValue(model: MLP, loss: LossName): string {
  const { nodes, output } = model.graph;
  const last = nodes.find((node) => node.output === output);
  const isSoftmax = last?.op === 'softmax' || last?.op === 'logSoftmax';
  return loss === 'crossEntropy' && isSoftmax ? last.inputs[0]! : output;
}

async function runEpoch(
  network: Network,
  job: Job,
  order: Uint32Array,
  epoch: number,
): Promise<{ loss: number; accuracy: number | undefined }> {
  const { data, batchSize, optimizer, onProgress } = job;
  const started = performance.now();
  let sum = 0;
  let correct: number | undefined = 0;
  for (let start = 0; start < data.rows; start += batchSize) {
    await job.turn.yieldWhenDue();
    const rows = order.subarray(start, start + batchSize);
    const { result, gradient } = judge(network, job, data, rows);
    sum += result.sum;
    correct = result.correct === undefined ? undefined : (correct ?? 0) + result.correct;
    if (!Number.isFinite(sum))
      throw expected(
        'ERR_DIVERGED',
        `a finite loss in epoch ${epoch}; try a smaller learning rate`,
        result.sum,
      );
    optimizer.beginStep();
    network.backward(job.output, gradient, (parameter, g) => optimizer.update(parameter, g));
    const done = start + rows.length;
    onProgress?.({
      step: `epoch ${epoch}/${job.epochs}`,
      done,
      total: data.rows,
      loss: sum / done,
      ...(correct !== undefined && { accuracy: correct / done }),
      rowsPerSecond: (done * 1000) / (performance.now() - started),
    });
  }
  return { loss: sum / data.rows, accuracy: correct === undefined ? undefined : correct / data.rows };
}

async function validate(network: Network, job: Job, data: CheckedDataset): Promise<number | undefined> {
  let correct = 0;
  for (let start = 0; start < data.rows; start += job.batchSize) {
    await job.turn.yieldWhenDue();
    const length = Math.min(job.batchSize, data.rows - start);
    const { result } = judge(
      network,
      job,
      data,
      Uint32Array.from({ length }, (_, i) => start + i),
    );
    if (result.correct === undefined) return undefined;
    correct += result.correct;
  }
  return correct / data.rows;
}

/** Forward over some rows, the loss, and its gradient at the output. */
function judge(network: Network, job: Job, data: CheckedDataset, rows: Uint32Array) {
  const input = new Float32Array(rows.length * data.inFeatures);
  gatherInputs(data, rows, input);
  const y = network.forward(input, job.output);
  const gradient = new Float32Array(y.length);
  return { result: job.loss(y, data, rows, gradient), gradient };
}
