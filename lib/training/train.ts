import { expected } from '../errors';
import { MLP } from '../models/mlp';
import { checkWord } from '../runtime/checks';
import type { Dataset } from './dataset';
import { FloatLearner } from './float-learner';
import { withTraining } from './history';
import { checkJob, type LoopOptions, type TrainResult } from './job';
import { runTraining } from './loop';
import type { LossName } from './loss';
import type { OptimizerOptions } from './optimizer';

export interface TrainOptions extends LoopOptions {
  /** Default Adam with a learning rate of 0.001. */
  optimizer?: OptimizerOptions;
  /** Default: crossEntropy for classes, mse for values. Cross-entropy is taken of logits: a last softmax is left out. */
  loss?: LossName;
  /** Weights of Linear layers that are 0 stay 0: fine-tuning of a pruned model. Default false. */
  keepZeros?: boolean;
}

/**
 * Mini-batch gradient descent in float32. A new model; the argument is untouched. Same seed (order of rows; default 0)
 * and same data: the same bits on every CPU.
 *
 * Errors: ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE (data that does not fit), ERR_DIVERGED (the loss is not finite),
 * ERR_IO, ERR_FORMAT, ERR_VERSION (checkpoint). An abort rejects with `signal.reason`.
 */
export async function train(model: MLP, data: Dataset, options: TrainOptions): Promise<TrainResult<MLP>> {
  if (!(model instanceof MLP)) throw expected('ERR_MODEL_KIND', 'a float MLP', model);
  const job = checkJob(model, data, options, ['optimizer', 'loss', 'keepZeros']);
  const {
    optimizer = { type: 'adam', learningRate: 0.001 },
    loss = job.data.hasClasses ? 'crossEntropy' : 'mse',
    keepZeros = false,
  } = options;
  checkWord('loss', loss, ['crossEntropy', 'mse']);
  if (typeof keepZeros !== 'boolean')
    throw expected('ERR_ARGUMENT', 'keepZeros to be true or false', keepZeros);
  const learner = new FloatLearner(model.graph, loss, optimizer, keepZeros);
  const history = await runTraining(learner, job);
  const step = { step: 'train', ...learner.settings(), batchSize: job.batchSize, seed: job.seed };
  return { model: MLP.fromGraph(withTraining(learner.snapshot(), step, history), model.metadata), history };
}
