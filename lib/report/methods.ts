import { type Candidate, candidatesFor } from '../compression/candidates';
import { Job } from '../compression/job';
import { prepare } from '../compression/pipeline';
import type { Judge, Score } from '../compression/score';
import { DEFAULT_MAX_DROP } from '../compression/search';
import { RequantError } from '../errors';
import type { Format } from '../layers/layer';
import { calibrate } from '../models/calibrate';
import type { MLP } from '../models/mlp';
import type { Model } from '../models/model';
import { type QuantizeOptions, quantize } from '../models/quantize';
import type { QuantizedMLP } from '../models/quantized-mlp';
import { MODES } from '../models/wish';
import { measureLatency } from './latency';
import type { ReportSettings } from './options';
import { decibelsOf } from './tensors';
import type { ReportMethod } from './types';
import { isFinding } from './variants';

interface Method {
  readonly name: string;
  readonly make: (model: MLP, settings: ReportSettings) => Promise<QuantizedMLP>;
}

export interface MeasuredMethods {
  readonly methods: readonly ReportMethod[];
  /** For which the time was not enough. */
  readonly untried: number;
}

/** Makes, measures and drops one method after another: memory holds one. Errors: signal.reason; those of a run. */
export async function measureMethods(
  model: MLP,
  judge: Judge,
  settings: ReportSettings,
): Promise<MeasuredMethods> {
  const deadline = performance.now() + 1000 * settings.budget;
  const list = methodsOf(model, settings);
  const measured = [await measureModel('float32', model, judge, settings)];
  for (const method of list) {
    if (performance.now() >= deadline) break;
    settings.onProgress({ step: method.name, done: measured.length - 1, total: list.length });
    measured.push(await measure(method, model, judge, settings));
  }
  return { methods: measured, untried: list.length + 1 - measured.length };
}

async function measure(
  { name, make }: Method,
  model: MLP,
  judge: Judge,
  settings: ReportSettings,
): Promise<ReportMethod> {
  try {
    using made = await make(model, settings);
    return await measureModel(name, made, judge, settings);
  } catch (error) {
    if (!(error instanceof RequantError) || !isFinding(error)) throw error;
    const none = { accuracy: null, drop: null, agreement: null, sqnrDb: null, latency: null };
    return { name, ...none, bytes: 0, error: error.code };
  }
}

/** Errors: those of a run; signal.reason. */
export async function measureModel(
  name: string,
  model: Model,
  judge: Judge,
  { data, latency, signal }: ReportSettings,
): Promise<ReportMethod> {
  const score = await judge.score(model, new Job(signal ? { signal } : {}, name, 1));
  return {
    name,
    ...figuresOf(score),
    bytes: model.toBytes().length,
    latency: latency ? await measureLatency(model, data.inputs, signal) : null,
  };
}

function figuresOf({ accuracy, drop, agreement, sqnrDb }: Score) {
  return {
    accuracy: accuracy ?? null,
    drop: drop ?? null,
    agreement: agreement ?? null,
    sqnrDb: decibelsOf(sqnrDb),
  };
}

/** The model as calibrated and FP8, then the candidates of `search` that stand for a kind. */
function methodsOf(model: MLP, { calibration, quantize: own, data }: ReportSettings): Method[] {
  const chosen = `int8 static ${calibration.method}`;
  const candidates = candidatesFor(model.graph, MODES, DEFAULT_MAX_DROP, data).filter(isTypical);
  return [
    direct(chosen, own),
    direct('FP8 E4M3 static', { format: 'e4m3fn' as Format }),
    direct('FP8 E5M2 static', { format: 'e5m2' as Format }),
    ...candidates.filter(({ name }) => name !== chosen && name !== 'int8 static').map(fromCandidate),
  ];
}

/** A method alone, where it is at home; groups of 32; no observer that only differs in its batches, no float8 (listed before). */
function isTypical({ observer, methods, options: { mode, groupSize, format, weights } }: Candidate): boolean {
  if (observer === 'movingAverage' || (format !== undefined && format !== 'int4')) return false;
  const used = Object.keys(methods).length;
  const isPlain = groupSize === undefined || groupSize === 32;
  const isAtHome = mode === 'static' && weights === undefined;
  const { smoothQuant = 0.5, mixedPrecision } = methods;
  if (mixedPrecision !== undefined) return mixedPrecision.fallback === 'float32';
  return isPlain && smoothQuant === 0.5 && (used === 0 || (used === 1 && isAtHome));
}

function direct(name: string, options: QuantizeOptions): Method {
  return {
    name,
    make: async (model, { calibration }) => quantize(model, calibration, { threads: 1, ...options }),
  };
}

function fromCandidate({ name, observer, methods, options }: Candidate): Method {
  const make = async (model: MLP, settings: ReportSettings): Promise<QuantizedMLP> => {
    const { signal, quantize: own } = settings;
    const job = signal ? { signal } : {};
    const calibrateBy = (float: MLP) => calibrate(float, keptRows(settings), { method: observer, ...job });
    const all: QuantizeOptions = { threads: 1, ...own, ...options };
    const prepared = await prepare(model, calibrateBy, methods, all, job);
    return quantize(prepared.model, prepared.calibration, all);
  };
  return { name, make };
}

/** What other observers may look at. */
function keptRows({ calibration, data }: ReportSettings): Float32Array {
  return calibration.kept.length > 0 ? calibration.kept : data.inputs;
}
