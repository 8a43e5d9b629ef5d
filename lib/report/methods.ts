import { calibrate } from '../calibration/calibrate';
import type { Calibration, Observer } from '../calibration/types';
import { RequantError } from '../errors';
import type { Format } from '../layers/layer';
import type { MLP } from '../models/mlp';
import { type QuantizeOptions, quantize } from '../models/quantize';
import type { QuantizedMLP } from '../models/quantized-mlp';
import type { Turn } from '../turn';
import { measureLatency } from './latency';
import type { ReportSettings } from './options';
import { type Score, scoreOf } from './score';
import type { ReportMethod } from './types';
import { isFinding } from './variants';

interface Method {
  readonly name: string;
  readonly make: (model: MLP, settings: ReportSettings) => Promise<QuantizedMLP>;
}

const OBSERVERS: readonly Observer[] = ['minmax', 'percentile', 'entropy', 'mse'];

/** The float model's own score, which the others' drop is from. */
export interface Reference {
  readonly outputs: Float32Array;
  readonly score: Score;
}

/** Makes, measures and drops one method after another: memory holds one. Errors: signal.reason; those of a run. */
export async function measureMethods(
  model: MLP,
  reference: Reference,
  settings: ReportSettings,
  turn: Turn,
): Promise<ReportMethod[]> {
  const methods = methodsOf(settings);
  const measured: ReportMethod[] = [await measured32(model, reference, settings)];
  for (const [done, method] of methods.entries()) {
    settings.onProgress({ step: `method ${method.name}`, done, total: methods.length });
    measured.push(await measure(method, model, reference, settings, turn));
  }
  return measured;
}

/** The float model as a point to compare with. */
async function measured32(
  model: MLP,
  { score }: Reference,
  { rows, latency, signal }: ReportSettings,
): Promise<ReportMethod> {
  return {
    name: 'float32',
    accuracy: score.accuracy,
    drop: score.accuracy === null ? null : 0,
    agreement: score.agreement,
    sqnrDb: score.sqnrDb,
    bytes: model.toBytes().length,
    latency: latency ? await measureLatency(model, rows, signal) : null,
  };
}

async function measure(
  { name, make }: Method,
  model: MLP,
  { outputs, score: float }: Reference,
  settings: ReportSettings,
  turn: Turn,
): Promise<ReportMethod> {
  try {
    using made = await make(model, settings);
    const { accuracy, agreement, sqnrDb } = await scoreOf(made, outputs, settings, turn);
    return {
      name,
      accuracy,
      drop: accuracy === null ? null : float.accuracy! - accuracy,
      agreement,
      sqnrDb,
      bytes: made.toBytes().length,
      latency: settings.latency ? await measureLatency(made, settings.rows, settings.signal) : null,
    };
  } catch (error) {
    if (!(error instanceof RequantError) || !isFinding(error)) throw error;
    const none = { accuracy: null, drop: null, agreement: null, sqnrDb: null, latency: null };
    return { name, ...none, bytes: 0, error: error.code };
  }
}

function methodsOf({ calibration, quantize: own }: ReportSettings): Method[] {
  const chosen: Method = made(`int8 static, ${calibration.method}`, own);
  const observers = OBSERVERS.filter((method) => method !== calibration.method).map(
    (method): Method => ({
      name: `int8 static, ${method}`,
      make: async (model, settings) => {
        const { signal } = settings;
        const ranges = await calibrate(model, keptRows(settings), { method, ...(signal && { signal }) });
        return quantize(model, ranges, { threads: 1, ...own });
      },
    }),
  );
  return [
    chosen,
    ...observers,
    own.weights === 'per-tensor'
      ? made('int8 static, per-channel weights', { ...own, weights: 'per-channel' })
      : made('int8 static, per-tensor weights', { ...own, weights: 'per-tensor' }),
    made('int8 dynamic', { mode: 'dynamic' }),
    made('int8 weight-only', { mode: 'weight-only' }),
    made('int4 dynamic, groups of 32', { mode: 'dynamic', format: 'int4' }),
    made('int4 weight-only, groups of 32', { mode: 'weight-only', format: 'int4' }),
    made('FP8 E4M3 static', { format: 'e4m3fn' as Format }),
    made('FP8 E5M2 static', { format: 'e5m2' as Format }),
  ];
}

function made(name: string, options: QuantizeOptions): Method {
  const make = async (model: MLP, { calibration }: { calibration: Calibration }): Promise<QuantizedMLP> => {
    const isStatic = options.mode === undefined;
    return quantize(model, isStatic ? calibration : null, { threads: 1, ...options });
  };
  return { name, make };
}

/** What other observers may look at. */
function keptRows({ calibration, rows }: ReportSettings): Float32Array {
  return calibration.kept.length > 0 ? calibration.kept : rows;
}
