import type { Graph, Node } from '../models/graph';
import type { MLP } from '../models/mlp';
import { kernels } from '../runtime/operators';
import { Turn } from '../turn';
import { version } from '../version';
import { count } from '../words';
import { adviceOn } from './advice';
import { measureLatency } from './latency';
import { linearNodes, measureLayers, sampleRows } from './layers';
import { measureMethods, type Reference } from './methods';
import type { ReportSettings } from './options';
import { outputsOf, scoreOf } from './score';
import { measureSensitivity } from './sensitivity';
import type { ReportCalibration, ReportData, ReportModel, ReportVariant } from './types';
import { makeVariants, type Variant } from './variants';

/** Most ranges and operators that are listed. */
const MOST_ENTRIES = 64;

/**
 * Everything that a report shows, as plain JSON. The same for the same input, but for the latencies.
 *
 * Errors: those of `quantize` that are not findings, and of a run; signal.reason.
 */
export async function reportData(model: MLP, settings: ReportSettings): Promise<ReportData> {
  settings.signal?.throwIfAborted();
  const turn = new Turn(settings.signal);
  const sample = sampleRows(settings.rows, model.inFeatures, settings);
  const variants = makeVariants(model, settings);
  try {
    const outputs = await outputsOf(model, settings.rows, turn);
    const reference = { outputs, score: await scoreOf(model, outputs, settings, turn) };
    const methods = await measureMethods(model, reference, settings, turn);
    const float = methods[0]!;
    const summary = [
      { format: 'float32', ...reference.score, bytes: float.bytes, latency: float.latency } as const,
      ...(await measureVariants(variants, reference, settings, turn)),
    ];
    const layers = await measureLayers(model, variants, sample, settings, turn);
    const hasInt8 = variants[0]!.model !== undefined;
    const sensitivity = hasInt8 ? await measureSensitivity(model, sample, settings, turn) : [];
    const findings = {
      version: 1,
      title: settings.title,
      date: settings.date,
      producer: { requant: version(), node: process.version, kernel: kernels().active },
      model: modelOf(model.graph),
      rows: rowsOf(model, settings, sample),
      summary,
      layers,
      sensitivity,
      methods,
      calibration: calibrationOf(model, settings, variants[0]!),
    } as const;
    return { ...findings, advice: adviceOn(findings), notes: notesOf(findings) };
  } finally {
    for (const { model: made } of variants) made?.dispose();
  }
}

async function measureVariants(
  variants: readonly Variant[],
  { outputs }: Reference,
  settings: ReportSettings,
  turn: Turn,
): Promise<ReportVariant[]> {
  const measured: ReportVariant[] = [];
  for (const { format, model, failure } of variants) {
    if (model === undefined) {
      const none = { accuracy: null, agreement: null, sqnrDb: 0, cosine: 0, bytes: 0, latency: null };
      measured.push({ format, unavailable: failure!, ...none });
      continue;
    }
    const score = await scoreOf(model, outputs, settings, turn);
    const { rows, signal } = settings;
    const latency = settings.latency ? await measureLatency(model, rows, signal) : null;
    measured.push({ format, ...score, bytes: model.toBytes().length, latency });
  }
  return measured;
}

function modelOf(graph: Graph): ReportModel {
  const features = (name: string): number => graph.values.get(name)!.features;
  const linear = linearNodes(graph);
  return {
    inFeatures: features(graph.input),
    outFeatures: features(graph.output),
    layers: linear.length,
    parameters: linear.reduce((sum, { weight, bias }) => sum + weight.data.length + (bias?.length ?? 0), 0),
    operators: graph.nodes.slice(0, MOST_ENTRIES).map((node) => operatorText(node, features)),
  };
}

function operatorText({ op, inputs, output }: Node, features: (name: string) => number): string {
  return op === 'linear' ? `${op} ${features(inputs[0]!)} → ${features(output)}` : op;
}

function rowsOf(
  { inFeatures }: MLP,
  { calibration, rows, testIsCalibration, labels }: ReportSettings,
  sample: Float32Array,
): ReportData['rows'] {
  return {
    calibration: calibration.rows,
    test: rows.length / inFeatures,
    testIsCalibration,
    labels: labels !== undefined,
    observed: sample.length / inFeatures,
  };
}

function calibrationOf(
  { valueNames }: MLP,
  { calibration }: ReportSettings,
  { model }: Variant,
): ReportCalibration {
  const { method, rows, ranges } = calibration;
  const known = valueNames.filter((name) => Object.hasOwn(ranges, name));
  return {
    method,
    rows,
    ranges: known.slice(0, MOST_ENTRIES).map((name) => ({ name, ...ranges[name]! })),
    record: (model?.graph.record ?? []) as ReportCalibration['record'],
  };
}

function notesOf({ rows, layers, model, calibration }: Omit<ReportData, 'advice' | 'notes'>): string[] {
  const notes: string[] = [];
  if (rows.observed < rows.test)
    notes.push(
      `The layers’ values and the sensitivity are measured on ${count(rows.observed)} of the ${count(rows.test)} rows, drawn at random with a fixed seed.`,
    );
  if (layers.length < model.layers)
    notes.push(
      `${count(layers.length)} of the ${count(model.layers)} Linear layers are shown: the first and the last ones.`,
    );
  if (calibration.ranges.length === MOST_ENTRIES)
    notes.push(`At most ${MOST_ENTRIES} ranges and operators are listed.`);
  return notes;
}
