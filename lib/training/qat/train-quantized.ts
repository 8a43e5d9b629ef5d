import type { Calibration } from '../../calibration/types';
import { expected } from '../../errors';
import { MLP } from '../../models/mlp';
import { checkWord } from '../../runtime/checks';
import type { Dataset } from '../dataset';
import { withTraining } from '../history';
import { checkJob, type TrainResult } from '../job';
import { runTraining } from '../loop';
import { checkSchedule } from '../schedule';
import { QuantizedLearner } from './learner';
import { QAT_KEYS, qatSettings, type TrainQuantizedOptions } from './options';

export interface TrainQuantizedResult extends TrainResult<MLP> {
  /** The ranges that were trained with; the first 1,024 rows are kept. */
  calibration: Calibration;
}

/**
 * Quantization-aware training of a (trained) float model: each forward pass is that of the integer model, by the kernels
 * that will serve it; gradients go straight through roundings. A new model, whose layers wish for the grids that were
 * trained: `quantize(model, calibration)` gives the model of the last pass, to the bit. Same seed and same data: the same
 * bits on every CPU.
 *
 * Default: Adam with a learning rate of 0.0005 that falls as a cosine.
 *
 * Errors: ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE (data that does not fit), ERR_UNSUPPORTED (formats), ERR_NAN_INPUT,
 * ERR_DIVERGED, ERR_IO, ERR_FORMAT, ERR_VERSION (checkpoint). An abort rejects with `signal.reason`.
 */
export async function trainQuantized(
  model: MLP,
  data: Dataset,
  options: TrainQuantizedOptions,
): Promise<TrainQuantizedResult> {
  if (!(model instanceof MLP)) throw expected('ERR_MODEL_KIND', 'a float MLP', model);
  const job = checkJob(model, data, options, ['optimizer', 'loss', 'schedule', ...QAT_KEYS]);
  const {
    optimizer = { type: 'adam', learningRate: 0.0005 },
    schedule = 'cosine',
    loss = job.data.hasClasses ? 'crossEntropy' : 'mse',
  } = options;
  checkWord('loss', loss, ['crossEntropy', 'mse']);
  checkSchedule(schedule);
  const settings = qatSettings(model.graph, options);
  const steps = job.epochs * Math.ceil(job.data.rows / job.batchSize);
  const learner = new QuantizedLearner(model.graph, { loss, optimizer, schedule, steps, settings });
  const history = await runTraining(learner, job);
  const step = {
    step: 'trainQuantized',
    ...learner.settings(),
    batchSize: job.batchSize,
    seed: job.seed,
  };
  return {
    model: MLP.fromGraph(withTraining(learner.snapshot(), step, history), model.metadata),
    calibration: learner.calibration(job.data),
    history,
  };
}
