import { RequantError } from '../../errors';
import type { RecordStep } from '../../models/graph';
import { MLP } from '../../models/mlp';
import { train } from '../../training/train';
import { Job } from '../job';
import { checkFloatModel, linearNodes } from '../rebuild';
import { Judge } from '../score';
import { Evidence } from './evidence';
import { prunedLayers, pruneNeurons, widths } from './neurons';
import { type PruneData, type PruneOptions, pruneSettings, type Settings } from './options';
import { sparsityAfter } from './schedule';
import { summary } from './summary';
import { pruneWeights } from './weights';

/**
 * Takes out what matters least: single weights, blocks of four outputs of one input (which run faster from the sparsity that
 * docs/pruning.md states), or hidden neurons, which makes layers smaller and thus faster at once.
 *
 *     magnitude |w|      taylor |g·w|      obd h_kk·w²/2      obs w_q²/(2[H⁻¹]_qq),  and  δw = −(w_q/[H⁻¹]_qq)·H⁻¹e_q
 *
 * g: gradient of the model's loss; h, H: of each layer's reconstruction loss, H = 2·Σ xxᵀ over the inputs that the layers
 * pruned before it show, or for 'obd' the empirical Fisher information. A unit's saliency is the sum over its weights; 'obs'
 * removes unit by unit, and the weights that stay (the bias too) make up for each. A neuron's weights are those that it
 * reads with and those that read it; where the loss is the reconstruction, the latter alone. Neurons can leave whose readers
 * are Linear layers behind elementwise nodes; what an add, a concat, a layer norm, a softmax or the caller reads stays.
 *
 * With `steps` saliencies are computed anew on the way, and `fineTune` trains between; with `maxDrop` pruning ends with the
 * last step that loses no more. The result is a float model: `quantize` it. Same seed: the same bits on every CPU.
 *
 * Sources: LeCun, Denker, Solla 1990, "Optimal Brain Damage"; Hassibi, Stork 1992; Molchanov et al. 2017, "Pruning
 * Convolutional Neural Networks for Resource Efficient Inference" (Taylor); Zhu, Gupta 2017 (the cubic schedule).
 *
 * @param data Rows for saliencies and fine-tuning; null is enough for 'magnitude' without fine-tuning. NaN is not looked for.
 * @throws {RequantError} ERR_MODEL_KIND, ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE (options, data), ERR_UNSUPPORTED (a layer with
 *   chosen weight scales), ERR_DIVERGED (fine-tuning); an abort rejects with `signal.reason`
 */
export async function prune(model: MLP, data: PruneData | null, options: PruneOptions): Promise<MLP> {
  checkFloatModel(model);
  const settings = pruneSettings(model, data, options);
  refuseChosenScales(model);
  const job = new Job(options, 'prune', settings.steps);
  const evidence = new Evidence(settings, job);
  const judge = settings.validation && new Judge(model, settings.validation);
  const original = widths(model);
  let pruned = model;
  let drop: number | undefined;
  let reached = 0;
  await job.report(0);
  for (let step = 1; step <= settings.steps; step++) {
    const target = sparsityAfter(settings.schedule, settings.sparsity, step, settings.steps);
    const sparser =
      settings.unit === 'neuron'
        ? await pruneNeurons(pruned, original, target, evidence)
        : await pruneWeights(pruned, target, evidence);
    const next = settings.fineTune ? await fineTuned(sparser, settings, options) : sparser;
    const score = await judge?.score(next, job);
    if (score && score.drop! > settings.maxDrop!) {
      next.dispose();
      break;
    }
    if (pruned !== model) pruned.dispose();
    [pruned, drop, reached] = [next, score?.drop, target];
    await job.report(step);
  }
  const record = [...model.graph.record, recordOf(settings, pruned, original, reached, drop)];
  const graph = { ...pruned.graph, record };
  if (pruned !== model) pruned.dispose();
  return MLP.fromGraph(graph, model.metadata);
}

async function fineTuned(
  model: MLP,
  { data, fineTune, seed }: Settings,
  { signal }: PruneOptions,
): Promise<MLP> {
  const trained = await train(model, data!, {
    ...fineTune!,
    seed,
    keepZeros: true,
    ...(signal && { signal }),
  });
  return trained.model;
}

function recordOf(
  settings: Settings,
  pruned: MLP,
  original: ReadonlyMap<string, number>,
  sparsity: number,
  drop: number | undefined,
): RecordStep {
  const { saliency, curvature, unit, scope, steps, schedule, fineTune, maxDrop, data, rows } = settings;
  const neurons = Object.fromEntries(
    prunedLayers(pruned.graph, settings.layers).map(({ writer }) => [writer.name, original.get(writer.name)]),
  );
  return {
    step: 'prune',
    saliency,
    ...(saliency === 'obd' && { curvature }),
    unit,
    sparsity,
    scope,
    ...(saliency !== 'magnitude' && { rows: Math.min(rows, data!.rows) }),
    ...(steps > 1 && { steps, schedule }),
    ...(fineTune && { fineTune }),
    ...(maxDrop !== undefined && { maxDrop, drop: drop ?? 0 }),
    ...(unit === 'neuron' && { neuronsBefore: neurons }),
    layers: summary(pruned),
  };
}

/** Zeros are on every grid, but what OBS and fine-tuning make of the others is not on the chosen one. */
function refuseChosenScales({ graph }: MLP): void {
  const chosen = linearNodes(graph).find(({ quantization }) => quantization?.scale !== undefined);
  if (chosen)
    throw new RequantError(
      'ERR_UNSUPPORTED',
      `expected weights without chosen scales, which do not outlast pruning, but received those of '${chosen.name}': prune first`,
    );
}
