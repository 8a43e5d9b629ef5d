import type { JobOptions } from '../../calibration/types';
import { expected } from '../../errors';

import type { MLP } from '../../models/mlp';
import { checkInteger, checkOptionKeys, checkWord } from '../../runtime/checks';
import { type CheckedDataset, checkDataset, type Dataset } from '../../training/dataset';
import type { TrainOptions } from '../../training/train';
import { checkJobOptions } from '../job';
import { linearNodes } from '../rebuild';
import type { ScoreData } from '../score';
import { type PruneSchedule, SCHEDULES } from './schedule';

/** What decides which units leave: formulas in docs/pruning.md. */
export type Saliency = 'magnitude' | 'taylor' | 'obd' | 'obs';
/** What leaves as one: a weight, four outputs beside each other of one input, a hidden neuron. */
export type PruneUnit = 'weight' | 'block' | 'neuron';

const SALIENCIES: readonly Saliency[] = ['magnitude', 'taylor', 'obd', 'obs'];
const UNITS: readonly PruneUnit[] = ['weight', 'block', 'neuron'];

/** Rows that saliencies are computed from, and fine-tuning learns from; `targets` as for `train`, where they are needed. */
export interface PruneData {
  inputs: Dataset['inputs'];
  targets?: Dataset['targets'];
}

export interface PruneOptions extends JobOptions {
  /** How much a weight matters. Default 'obs'. 'taylor' needs targets. */
  saliency?: Saliency;
  /**
   * Of 'obd': of which loss. 'reconstruction': of each layer's outputs (inputs alone are needed); 'fisher': of the model's
   * loss, by the empirical Fisher information (needs targets). Default 'reconstruction'.
   */
  curvature?: 'reconstruction' | 'fisher';
  /** What leaves at a time: a weight, a block of four outputs beside each other of one input, or a hidden neuron. Default 'weight'. */
  unit?: PruneUnit;
  /** Share of the units that leaves, in [0, 1): where there is a `maxDrop`, at most. Default .98 beside `maxDrop`, else required. */
  sparsity?: number;
  /** Most percentage points of accuracy on `validation` that may be lost: pruning goes on step by step until the next one loses more. */
  maxDrop?: number;
  /** Rows with classes that `maxDrop` is judged on. */
  validation?: Dataset;
  /** Whether each layer loses the same share, or the units that matter least anywhere leave. Default 'layer'. */
  scope?: 'layer' | 'global';
  /** Steps to the sparsity, between which saliencies are computed anew. Default 1; 40 beside `maxDrop`. */
  steps?: number;
  /** How far each step goes. Default 'cubic' (much at first), beside `maxDrop` 'linear'. */
  schedule?: PruneSchedule;
  /** Training after each step, in which what is 0 stays 0. Needs targets. */
  fineTune?: Pick<TrainOptions, 'epochs' | 'batchSize' | 'optimizer' | 'loss'>;
  /** Names of the Linear layers that are pruned (unit 'neuron': whose outputs). Default: all. */
  layers?: readonly string[];
  /** Rows of `data`, drawn by `seed`, that saliencies are computed from. Default 4096. */
  rows?: number;
  /** Of 'obs': added to the diagonal of H, times its mean. Default .001. */
  damping?: number;
}

const KEYS = [
  'saliency',
  'curvature',
  'unit',
  'sparsity',
  'maxDrop',
  'validation',
  'scope',
  'steps',
  'schedule',
  'fineTune',
  'layers',
  'rows',
  'damping',
];
const FINE_TUNE_KEYS = ['epochs', 'batchSize', 'optimizer', 'loss'];

/** Options with their defaults, and data that fits the model. */
export interface Settings {
  readonly saliency: Saliency;
  readonly curvature: 'reconstruction' | 'fisher';
  readonly unit: PruneUnit;
  readonly sparsity: number;
  readonly maxDrop: number | undefined;
  readonly validation: ScoreData | undefined;
  readonly scope: 'layer' | 'global';
  readonly steps: number;
  readonly schedule: PruneSchedule;
  readonly fineTune: PruneOptions['fineTune'];
  readonly layers: ReadonlySet<string>;
  readonly rows: number;
  readonly damping: number;
  readonly seed: number;
  /** Missing where nothing needs rows; without `targets` where only inputs are needed. */
  readonly data: CheckedDataset | undefined;
}

/** Errors: ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE. */
export function pruneSettings(model: MLP, data: PruneData | null, options: PruneOptions): Settings {
  checkJobOptions(options, KEYS);
  const { saliency = 'obs', curvature = 'reconstruction', unit = 'weight', scope = 'layer' } = options ?? {};
  checkWord('saliency', saliency, SALIENCIES);
  checkWord('curvature', curvature, ['reconstruction', 'fisher']);
  checkWord('unit', unit, UNITS);
  checkWord('scope', scope, ['layer', 'global']);
  if (options?.curvature !== undefined && saliency !== 'obd')
    throw expected('ERR_ARGUMENT', "curvature only beside saliency 'obd'", options.curvature);
  const { maxDrop, validation, fineTune, rows = 4096, damping = 1e-3, seed = 0 } = options ?? {};
  const gradual = maxDrop !== undefined;
  const { sparsity = gradual ? 0.98 : undefined, steps = gradual ? 40 : 1 } = options ?? {};
  const schedule = options?.schedule ?? (gradual ? 'linear' : 'cubic');
  if (!(typeof sparsity === 'number' && sparsity >= 0 && sparsity < 1))
    throw expected('ERR_ARGUMENT', 'sparsity in [0, 1)', sparsity);
  if (gradual && !(typeof maxDrop === 'number' && maxDrop >= 0))
    throw expected('ERR_ARGUMENT', 'maxDrop in percentage points ≥ 0', maxDrop);
  if (gradual !== (validation !== undefined))
    throw expected(
      'ERR_ARGUMENT',
      'maxDrop and validation together',
      gradual ? 'maxDrop alone' : 'validation alone',
    );
  checkInteger('steps', steps, 1, 10_000);
  checkWord('schedule', schedule, SCHEDULES);
  checkInteger('rows', rows, 1, 2 ** 31);
  if (!(damping >= 0 && damping <= 1)) throw expected('ERR_ARGUMENT', 'damping in [0, 1]', damping);
  if (fineTune !== undefined) checkOptionKeys('fineTune', fineTune, FINE_TUNE_KEYS);
  const needsTargets = saliency === 'taylor' || curvature === 'fisher' || fineTune !== undefined;
  const needsRows = needsTargets || saliency !== 'magnitude';
  return {
    saliency,
    curvature,
    unit,
    sparsity,
    maxDrop,
    validation: validation && judged(model, validation),
    scope,
    steps,
    schedule,
    fineTune,
    layers: chosenLayers(model, options?.layers),
    rows,
    damping,
    seed,
    data: needsRows ? checkedData(model, data, needsTargets) : undefined,
  };
}

function chosenLayers(model: MLP, layers: readonly string[] | undefined): ReadonlySet<string> {
  const known = linearNodes(model.graph).map(({ name }) => name);
  if (layers === undefined) return new Set(known);
  if (!Array.isArray(layers)) throw expected('ERR_ARGUMENT', 'layers to be a list of names', layers);
  const stranger = layers.find((name) => !known.includes(name));
  if (stranger !== undefined) throw expected('ERR_ARGUMENT', `layers among ${known.join(', ')}`, stranger);
  return new Set(layers);
}

function checkedData(model: MLP, data: PruneData | null, needsTargets: boolean): CheckedDataset {
  if (data === null || data === undefined)
    throw expected('ERR_ARGUMENT', "data, which all but saliency 'magnitude' needs", data);
  const { inputs, targets } = data;
  if (targets === undefined && needsTargets)
    throw expected('ERR_ARGUMENT', "data.targets, which fine-tuning, 'taylor' and 'fisher' need", undefined);
  // Where nobody looks at the targets any will do.
  const own = targets ?? new Uint8Array(Math.ceil((inputs?.length ?? 0) / model.inFeatures));
  return checkDataset('data', { inputs, targets: own }, model.inFeatures, model.outFeatures);
}

function judged(model: MLP, validation: Dataset): ScoreData {
  const { inputs, targets, hasClasses } = checkDataset(
    'validation',
    validation,
    model.inFeatures,
    Math.max(model.outFeatures, 2),
  );
  if (!hasClasses) throw expected('ERR_DTYPE', 'validation.targets to be classes', targets);
  return { inputs: Float32Array.from(inputs), labels: targets as Uint8Array | Int32Array };
}
