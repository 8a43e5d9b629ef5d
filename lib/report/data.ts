import { makeCalibration } from '../calibration/result';
import { linearNodes } from '../compression/rebuild';
import { Judge } from '../compression/score';
import { sensitivity } from '../compression/sensitivity';
import type { Graph, Node } from '../models/graph';
import type { MLP } from '../models/mlp';
import { kernels } from '../runtime/operators';
import { type TrainingCurve, trainingCurves } from '../training/history';
import { Turn } from '../turn';
import { version } from '../version';
import { count, plural } from '../words';
import { adviceOn } from './advice';
import { measureLayers, sampleRows } from './layers';
import { measureMethods, measureModel } from './methods';
import type { ReportSettings } from './options';
import { decibelsOf } from './tensors';
import type {
  ReportCalibration,
  ReportData,
  ReportMethod,
  ReportModel,
  ReportSensitivity,
  ReportTraining,
  ReportVariant,
} from './types';
import { makeVariants, type Variant } from './variants';

/** Most ranges and operators that are listed. */
const MOST_ENTRIES = 64;

/**
 * Everything that a report shows, as plain JSON. The same for the same input, but for the latencies and for the methods
 * that the time is not enough for.
 *
 * Errors: those of `quantize` that are not findings, and of a run; signal.reason.
 */
export async function reportData(model: MLP, settings: ReportSettings): Promise<ReportData> {
  settings.signal?.throwIfAborted();
  const judge = new Judge(model, settings.data);
  const sample = sampleRows(settings.data.inputs, model.inFeatures, settings);
  const variants = makeVariants(model, settings);
  try {
    const { methods, untried } = await measureMethods(model, judge, settings);
    const findings = {
      version: 1,
      title: settings.title,
      date: settings.date,
      producer: { requant: version(), node: process.version, kernel: kernels().active },
      model: modelOf(model.graph),
      rows: rowsOf(model, settings, sample),
      summary: [variantOf('float32', methods[0]!), ...(await measureVariants(variants, judge, settings))],
      layers: await measureLayers(model, variants, sample, settings, new Turn(settings.signal)),
      sensitivity: variants[0]!.model === undefined ? [] : await ranking(model, sample, settings),
      methods,
      calibration: calibrationOf(model, settings, variants[0]!),
      training: trainingCurves(model.graph.record).map(trainingOf),
    } as const;
    return { ...findings, advice: adviceOn(findings), notes: notesOf(findings, untried) };
  } finally {
    for (const { model: made } of variants) made?.dispose();
  }
}

async function measureVariants(
  variants: readonly Variant[],
  judge: Judge,
  settings: ReportSettings,
): Promise<ReportVariant[]> {
  const measured: ReportVariant[] = [];
  for (const { format, model, failure } of variants) {
    const none = { accuracy: null, agreement: null, sqnrDb: null, bytes: 0, latency: null };
    if (model === undefined) measured.push({ format, unavailable: failure!, ...none });
    else measured.push(variantOf(format, await measureModel(format, model, judge, settings)));
  }
  return measured;
}

function variantOf(
  format: ReportVariant['format'],
  { accuracy, agreement, sqnrDb, bytes, latency }: ReportMethod,
): ReportVariant {
  return { format, accuracy, agreement, sqnrDb, bytes, latency };
}

/** The layers that cost most, at most `maxLayers`. */
async function ranking(
  model: MLP,
  sample: Float32Array,
  { calibration, quantize, maxLayers, signal, onProgress }: ReportSettings,
): Promise<ReportSensitivity[]> {
  const { method, rows, ranges } = calibration;
  const onSample = makeCalibration(method, rows, Object.entries(ranges), sample);
  const worst = await sensitivity(model, onSample, { quantize, onProgress, ...(signal && { signal }) });
  return worst.slice(0, maxLayers).map(({ layer, sqnrDb }) => ({ name: layer, sqnrDb: decibelsOf(sqnrDb) }));
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
  { calibration, data, testIsCalibration }: ReportSettings,
  sample: Float32Array,
): ReportData['rows'] {
  return {
    calibration: calibration.rows,
    test: data.inputs.length / inFeatures,
    testIsCalibration,
    labels: data.labels !== undefined,
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

function trainingOf({ step, epochs }: TrainingCurve): ReportTraining {
  return {
    step,
    epochs: epochs.map(({ epoch, loss, validationLoss = null, accuracy }) => ({
      epoch,
      loss,
      validationLoss,
      accuracy: accuracy === undefined ? null : 100 * accuracy,
    })),
  };
}

function notesOf(
  { rows, layers, model, calibration }: Omit<ReportData, 'advice' | 'notes'>,
  untried: number,
): string[] {
  const notes: string[] = [];
  if (rows.observed < rows.test)
    notes.push(
      `The layers’ values and the sensitivity are measured on ${count(rows.observed)} of the ${count(rows.test)} rows, drawn at random with a fixed seed.`,
    );
  if (layers.length < model.layers)
    notes.push(
      `${count(layers.length)} of the ${count(model.layers)} Linear layers are shown: the first and the last ones; by sensitivity the worst.`,
    );
  if (untried > 0) notes.push(`The time was not enough for ${plural(untried, 'method')}.`);
  if (calibration.ranges.length === MOST_ENTRIES)
    notes.push(`At most ${MOST_ENTRIES} ranges and operators are listed.`);
  return notes;
}
