import type { Graph, RecordStep } from '../models/graph';
import type { Epoch } from './loop';

/** Epochs that a model's record keeps at most: a curve of more points looks the same, and files stay small. */
const MAX_EPOCHS = 200;
const DIGITS = 6;

/** Of one training, as a model's record holds it. */
export interface TrainingCurve {
  /** The record's step: `train`, `trainQuantized` … */
  readonly step: string;
  readonly epochs: readonly Epoch[];
}

/** The graph with one more step in its record: what trained it, and the curve, thinned out and rounded. */
export function withTraining(graph: Graph, step: RecordStep, history: readonly Epoch[]): Graph {
  return { ...graph, record: [...graph.record, { ...step, history: thinned(history).map(rounded) }] };
}

/** Evenly, the first and the last epoch among them. */
function thinned(history: readonly Epoch[]): readonly Epoch[] {
  if (history.length <= MAX_EPOCHS) return history;
  const step = (history.length - 1) / (MAX_EPOCHS - 1);
  return Array.from({ length: MAX_EPOCHS }, (_, i) => history[Math.round(i * step)]!);
}

function rounded(epoch: Epoch): Epoch {
  const entries = Object.entries(epoch).map(([name, value]) => [name, Number(value.toPrecision(DIGITS))]);
  return { ...(Object.fromEntries(entries) as Epoch), epoch: epoch.epoch };
}

/** The curves in a record, in order. A record is information only: what is no curve is passed over. */
export function trainingCurves(record: readonly RecordStep[]): TrainingCurve[] {
  return record.flatMap(({ step, history }) => {
    const epochs = Array.isArray(history) ? history.filter(isEpoch) : [];
    return epochs.length === 0 ? [] : [{ step, epochs }];
  });
}

function isEpoch(value: unknown): value is Epoch {
  if (typeof value !== 'object' || value === null) return false;
  const { epoch, loss, accuracy, validationLoss } = value as Record<string, unknown>;
  const isOptional = (one: unknown) => one === undefined || typeof one === 'number';
  return (
    Number.isInteger(epoch) && typeof loss === 'number' && isOptional(accuracy) && isOptional(validationLoss)
  );
}
