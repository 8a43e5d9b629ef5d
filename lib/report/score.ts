import { ClassAgreement, Difference } from '../difference';
import { countCorrect, decisionThreshold } from '../models/decision';
import type { Model } from '../models/model';
import type { Turn } from '../turn';
import type { ReportSettings } from './options';
import { decibelsOf } from './tensors';
import type { OutputError } from './types';

/** Values a call: bounds its memory and how long the event loop waits. */
const CALL_VALUES = 2 ** 20;

export interface Score extends OutputError {
  /** Percent; null without labels. */
  readonly accuracy: number | null;
  /** Percent of rows with the reference's argmax; null with one output. */
  readonly agreement: number | null;
}

/** All outputs of a model, [rows, outFeatures]. Errors: those of a run; signal.reason. */
export async function outputsOf(model: Model, rows: Float32Array, turn: Turn): Promise<Float32Array> {
  const { inFeatures, outFeatures } = model;
  const count = rows.length / inFeatures;
  const outputs = new Float32Array(count * outFeatures);
  const step = Math.max(1, Math.floor(CALL_VALUES / Math.max(inFeatures, outFeatures)));
  for (let row = 0; row < count; row += step) {
    const end = Math.min(row + step, count);
    const part = outputs.subarray(row * outFeatures, end * outFeatures);
    model.runSync(rows.subarray(row * inFeatures, end * inFeatures), part);
    await turn.yieldWhenDue();
  }
  return outputs;
}

/** How a model does on the rows, beside the float model's outputs. */
export async function scoreOf(
  model: Model,
  reference: Float32Array,
  { rows, labels }: Pick<ReportSettings, 'rows' | 'labels'>,
  turn: Turn,
): Promise<Score> {
  const outputs = await outputsOf(model, rows, turn);
  const { outFeatures } = model;
  const difference = new Difference();
  difference.add(outputs, reference);
  const agreement = new ClassAgreement(outFeatures);
  agreement.add(outputs, reference);
  const { sqnrDb, cosine } = difference.result();
  return {
    accuracy: labels
      ? (100 * countCorrect(outputs, outFeatures, decisionThreshold(model), labels)) / labels.length
      : null,
    agreement: agreement.result().agreementPercent,
    sqnrDb: decibelsOf(sqnrDb),
    cosine,
  };
}
