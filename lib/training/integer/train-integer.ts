import { expected, RequantError } from '../../errors';
import { QuantizedMLP } from '../../models/quantized-mlp';
import { runtimeSettings } from '../../models/runtime-options';
import { checkInteger, checkWord } from '../../runtime/checks';
import type { Dataset } from '../dataset';
import { withTraining } from '../history';
import { checkJob, type LoopOptions, type TrainResult } from '../job';
import { runTraining } from '../loop';
import type { LossName } from '../loss';
import { IntegerLearner } from './learner';
import { FIRST_RATE, type IntegerRecipe } from './recipe';
import { servedGraph } from './served';

export interface TrainIntegerOptions extends LoopOptions {
  /** Default '8-8-8-8'. */
  recipe?: IntegerRecipe;
  /**
   * The first learning rate, a power of two in [2^-16, 2^8]; halved after 40, 70 and 90 % of the epochs. Default 1/4 for
   * '8-8-8-8', 1 for '2-8-8-8'. Plain gradient descent: no momentum.
   */
  optimizer?: { type: 'sgd'; learningRate: number };
  /** The recipe's own: 'crossEntropy' for '8-8-8-8', 'mse' (½·Σ (y − t)², t one-hot) for '2-8-8-8'. */
  loss?: LossName;
}

const LOSS: Readonly<Record<IntegerRecipe, LossName>> = { '8-8-8-8': 'crossEntropy', '2-8-8-8': 'mse' };
const MOST_WIDTH = 2 ** 15;
const MOST_BATCH = 2 ** 15;

/**
 * Trains a multilayer perceptron (relu between layers) with integers alone: int8 weights, activations, errors and
 * products, shifts for scales; no floating-point operation runs inside a step. `widths`: features of the input, of each
 * hidden layer, and classes. The result is the served int8 model: bytes are its input as they are, or as float32 of 0…255.
 * Same seed and data: the same weights on every CPU, for any number of threads. docs/integer-training.md.
 *
 * Errors: ERR_ARGUMENT (also targets that are no classes), ERR_DTYPE, ERR_SHAPE, ERR_NAN_INPUT. An abort rejects with
 * `signal.reason`.
 */
export async function trainInteger(
  widths: readonly number[],
  data: Dataset,
  options: TrainIntegerOptions,
): Promise<TrainResult<QuantizedMLP>> {
  checkWidths(widths);
  const features = { inFeatures: widths[0]!, outFeatures: widths.at(-1)! };
  const job = checkJob(features, data, options, ['recipe', 'optimizer', 'loss']);
  for (const set of [job.data, job.validation])
    if (set?.hasClasses === false)
      throw expected('ERR_ARGUMENT', 'targets that are classes (Uint8Array, Int32Array)', set.targets);
  const { recipe = '8-8-8-8' } = options;
  checkWord('recipe', recipe, ['8-8-8-8', '2-8-8-8']);
  if (options.loss !== undefined) checkWord('loss', options.loss, [LOSS[recipe]]);
  checkInteger('batchSize', job.batchSize, 1, MOST_BATCH);
  const { epochs, seed } = job;
  const batchSize = Math.min(job.batchSize, Math.max(job.data.rows, job.validation?.rows ?? 0));
  const firstRate = checkedRate(options.optimizer, recipe);
  const learner = new IntegerLearner(widths, job.data, { recipe, epochs, batchSize, seed, firstRate });
  try {
    const history = await runTraining(learner, job);
    const graph = servedGraph(learner.network, learner.input, recipe);
    const step = {
      step: 'trainInteger',
      recipe,
      learningRate: 2 ** firstRate,
      batchSize: job.batchSize,
      seed,
    };
    const model = QuantizedMLP.fromGraph(withTraining(graph, step, history), {}, runtimeSettings({}));
    return { model, history };
  } finally {
    learner.network.release();
  }
}

function checkWidths(widths: readonly number[]): void {
  if (!Array.isArray(widths) || widths.length < 2)
    throw expected('ERR_ARGUMENT', 'widths of an input, hidden layers and an output', widths);
  widths.forEach((width, i) => {
    checkInteger(`widths[${i}]`, width, 1, MOST_WIDTH);
  });
}

/** The exponent of a learning rate that is a power of two. */
function checkedRate(optimizer: TrainIntegerOptions['optimizer'], recipe: IntegerRecipe): number {
  if (optimizer === undefined) return FIRST_RATE[recipe];
  checkWord('optimizer.type', optimizer?.type, ['sgd']);
  const { learningRate } = optimizer;
  for (let exponent = -16; exponent <= 8; exponent++) if (learningRate === 2 ** exponent) return exponent;
  throw new RequantError(
    'ERR_ARGUMENT',
    `expected optimizer.learningRate to be a power of two in [2^-16, 2^8] but received ${learningRate}`,
  );
}
