import type { Calibration, JobOptions } from '../calibration/types';
import { expected } from '../errors';
import type { LayerQuantization } from '../layers/layer';
import type { MLP } from '../models/mlp';
import { type QuantizeOptions, quantize } from '../models/quantize';
import { checkWord } from '../runtime/checks';
import { checkJobOptions, Job, keptRows } from './job';
import { checkFloatModel, rebuilt } from './rebuild';
import { Judge, type Score, type ScoreData } from './score';
import { sensitivity } from './sensitivity';

/** What layers become that suffer too much from being quantized. */
export type Fallback = 'float32' | 'weight-only';

export interface MixedPrecisionOptions extends JobOptions {
  /** Most percentage points that may be lost: of accuracy where `data` has labels, else of agreement (rows with the same argmax). */
  maxDrop: number;
  /** What the worst layers become: float32, or int8 weights with float32 activations. Default 'float32'. */
  fallback?: Fallback;
  /** Rows to judge on; default those that the calibration kept. */
  data?: ScoreData;
  /** How the other layers are going to be quantized. */
  quantize?: QuantizeOptions;
}

const WISHES: Readonly<Record<Fallback, LayerQuantization>> = {
  float32: Object.freeze({ format: 'float32' }),
  'weight-only': Object.freeze({ format: 'int8', bits: 8, mode: 'weight-only' }),
};

/**
 * Mixed precision: the layers that suffer most from being quantized (`sensitivity`) fall back, one after the other, until
 * the model loses no more than `maxDrop`. Where weight-only does not suffice even for all, layers become float32. The
 * model that comes back wishes for all this, and `quantize` with the same calibration and options carries it out.
 *
 * Errors: ERR_MODEL_KIND, ERR_ARGUMENT (options; no kept rows; a model of one output without labels, which has no argmax),
 * ERR_DTYPE and ERR_SHAPE (data), and those of `quantize`. An abort rejects with `signal.reason`.
 */
export async function mixedPrecision(
  model: MLP,
  calibration: Calibration,
  options: MixedPrecisionOptions,
): Promise<MLP> {
  checkFloatModel(model);
  checkJobOptions(options ?? null, ['maxDrop', 'fallback', 'data', 'quantize']);
  const {
    maxDrop,
    fallback = 'float32',
    data = { inputs: keptRows(calibration, model.inFeatures) },
  } = options;
  if (!(typeof maxDrop === 'number' && maxDrop >= 0))
    throw expected('ERR_ARGUMENT', 'maxDrop in percentage points ≥ 0', maxDrop);
  checkWord('fallback', fallback, ['float32', 'weight-only']);
  if (model.outFeatures === 1 && data.labels === undefined)
    throw expected(
      'ERR_ARGUMENT',
      'data with labels for a model of one output, which has no argmax',
      undefined,
    );
  const judge = new Judge(model, data);
  const { signal, quantize: quantizeOptions = {} } = options;
  const ranking = await sensitivity(model, calibration, {
    quantize: quantizeOptions,
    ...(signal && { signal }),
  });
  const trials = trialsOf(
    ranking.map(({ layer }) => layer),
    fallback,
  );
  const job = new Job(options, 'mixed precision', trials.length);
  for (const [i, layers] of trials.entries()) {
    const score = await tried(model, calibration, quantizeOptions, layers, judge, job);
    await job.report(i + 1);
    if (score.drop! > maxDrop && i + 1 < trials.length) continue;
    const step = {
      step: 'mixedPrecision',
      maxDrop,
      fallback,
      drop: score.drop,
      layers: Object.fromEntries(layers),
    };
    return rebuilt(model, wishes(layers), step);
  }
  throw new Error('unreachable: the last trial returns');
}

/** None, the worst one, the two worst, …; behind all of them as weight-only the worst as float32, and so on. */
function trialsOf(worstFirst: readonly string[], fallback: Fallback): ReadonlyMap<string, Fallback>[] {
  const stages: Fallback[] = fallback === 'float32' ? ['float32'] : ['weight-only', 'float32'];
  const layers = new Map<string, Fallback>();
  const trials = [new Map(layers)];
  for (const stage of stages) {
    for (const layer of worstFirst) trials.push(new Map(layers.set(layer, stage)));
  }
  return trials;
}

function wishes(layers: ReadonlyMap<string, Fallback>): Map<string, { quantization: LayerQuantization }> {
  return new Map([...layers].map(([name, fallback]) => [name, { quantization: WISHES[fallback] }]));
}

async function tried(
  model: MLP,
  calibration: Calibration,
  options: QuantizeOptions,
  layers: ReadonlyMap<string, Fallback>,
  judge: Judge,
  job: Job,
): Promise<Score> {
  const mixed = rebuilt(model, wishes(layers), { step: 'mixedPrecision' });
  using quantized = quantize(mixed, calibration, options);
  return await judge.score(quantized, job); // before it is disposed of
}
