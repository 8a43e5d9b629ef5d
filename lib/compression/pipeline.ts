import type { Calibration, JobOptions } from '../calibration/types';
import { expected } from '../errors';
import type { MLP } from '../models/mlp';
import type { QuantizeOptions } from '../models/quantize';
import { adaRound } from './adaround';
import { correctBias } from './correct-bias';
import { equalize } from './equalize';
import { gptq } from './gptq';
import { type MixedPrecisionOptions, mixedPrecision } from './mixed-precision';
import type { PruneOptions } from './pruning/options';
import { prune } from './pruning/prune';
import { smoothQuant } from './smooth-quant';
import type { WeightGridOptions } from './weight-grid';

/** Which methods prepare a float model before it is quantized; each is left out where it is undefined or false. */
export interface Methods {
  /** On the rows that a calibration keeps. */
  readonly prune?: Pick<PruneOptions, 'sparsity' | 'unit' | 'saliency'> | undefined;
  readonly equalize?: boolean | undefined;
  /** alpha */
  readonly smoothQuant?: number | undefined;
  /** How weights are rounded, where not to nearest: to the grid that the options of `quantize` state. */
  readonly rounding?: 'gptq' | 'adaRound' | undefined;
  readonly correctBias?: boolean | undefined;
  readonly mixedPrecision?: Pick<MixedPrecisionOptions, 'maxDrop' | 'fallback' | 'data'> | undefined;
}

/** Calibrates a model on the rows that all are prepared with; asked again for the same model it gives the same answer. */
export type Calibrate = (model: MLP) => Promise<Calibration>;

/** What `quantize` is to be given. */
export interface Prepared {
  readonly model: MLP;
  /** Null where nobody asked for one: dynamic and weight-only layers need none. */
  readonly calibration: Calibration | null;
}

/**
 * The methods in the one order that fits: what leaves, then those that move ranges between weights and activations, then which layers keep
 * which format, then what makes up for the errors of these. Errors: those of the methods.
 */
export async function prepare(
  model: MLP,
  calibrate: Calibrate,
  methods: Methods,
  quantize: QuantizeOptions,
  { signal, onProgress, seed }: JobOptions,
): Promise<Prepared> {
  const job: JobOptions = {
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
    ...(seed !== undefined && { seed }),
  };
  let prepared = model;
  if (methods.prune) {
    const { kept } = await calibrate(prepared);
    prepared = await prune(prepared, { inputs: kept }, { ...job, ...methods.prune });
  }
  if (methods.equalize) prepared = await equalize(prepared, job);
  if (methods.smoothQuant !== undefined)
    prepared = await smoothQuant(prepared, await calibrate(prepared), { ...job, alpha: methods.smoothQuant });
  const needsRows =
    methods.rounding !== undefined || methods.correctBias || methods.mixedPrecision !== undefined;
  const isStatic = (quantize.mode ?? 'static') === 'static';
  if (!needsRows && !isStatic) return { model: prepared, calibration: null };
  const calibration = await calibrate(prepared);
  // While the model is still what the user gave: later methods make its float form another one, fitted to the grids.
  if (methods.mixedPrecision)
    prepared = await mixedPrecision(prepared, calibration, { ...job, ...methods.mixedPrecision, quantize });
  if (methods.rounding) {
    const round = { gptq, adaRound }[methods.rounding];
    prepared = await round(prepared, calibration, { ...job, ...gridOf(quantize) });
  }
  if (methods.correctBias) prepared = await correctBias(prepared, calibration, { ...job, quantize });
  return { model: prepared, calibration };
}

/** The weights' grid that options of `quantize` state. Errors: ERR_UNSUPPORTED (float8). */
function gridOf({ format, bits, groupSize, weights }: QuantizeOptions): WeightGridOptions {
  if (format !== undefined && format !== 'int8' && format !== 'int4')
    throw expected('ERR_UNSUPPORTED', 'format int8 or int4 beside GPTQ and AdaRound', format);
  if (format === 'int4') return { format, ...(groupSize !== undefined && { groupSize }) };
  return { bits: bits ?? 8, ...(weights !== undefined && { weights }) };
}
