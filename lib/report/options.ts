import type { Calibration, JobOptions } from '../calibration/types';
import { expected } from '../errors';
import type { MLP } from '../models/mlp';
import type { QuantizeOptions } from '../models/quantize';
import { checkFloats, checkInteger, checkOptionKeys } from '../runtime/checks';

/** What `report` takes besides the model. */
export interface ReportOptions extends JobOptions {
  /** Of `calibrate`, with the rows that it kept. */
  calibration: Calibration;
  /** Rows to measure on, row-major [rows, inFeatures]; not those of the calibration. Default: the rows that it kept. */
  rows?: Float32Array;
  /** A class index a row of `rows`: reports the accuracy. */
  labels?: Uint8Array | Int32Array;
  /** Of the static int8 model, as `quantize` takes them. */
  quantize?: Pick<QuantizeOptions, 'weights' | 'activations' | 'rounding'>;
  /** Heading of the page. Default: 'Model'. */
  title?: string;
  /** Printed as it is. Default: none, and the same input gives the same page but for the latencies. */
  date?: string;
  /** Most Linear layers that are shown one by one: the first and the last ones. Default 12. */
  maxLayers?: number;
  /** Most rows that the values of layers are looked at on, drawn with `seed`. Default 1024. */
  observedRows?: number;
  /** Whether to time the models, some .3 s each. Default true. */
  latency?: boolean;
}

/** The options, checked and completed. */
export interface ReportSettings {
  readonly calibration: Calibration;
  readonly rows: Float32Array;
  readonly testIsCalibration: boolean;
  readonly labels: Uint8Array | Int32Array | undefined;
  readonly quantize: NonNullable<ReportOptions['quantize']>;
  readonly title: string;
  readonly date: string | null;
  readonly maxLayers: number;
  readonly observedRows: number;
  readonly latency: boolean;
  readonly seed: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: NonNullable<JobOptions['onProgress']>;
}

const KEYS = [
  'calibration',
  'rows',
  'labels',
  'quantize',
  'title',
  'date',
  'maxLayers',
  'observedRows',
  'latency',
  'signal',
  'onProgress',
  'seed',
];
const MOST_LAYERS = 100;
const MOST_ROWS = 65_536;

/** Errors: ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE. */
export function reportSettings(model: MLP, options: ReportOptions): ReportSettings {
  checkOptionKeys('options', options ?? {}, KEYS);
  const { calibration, labels, quantize = {}, title = 'Model', date } = options ?? {};
  const { maxLayers = 12, observedRows = 1024, latency = true, seed = 0, signal, onProgress } = options ?? {};
  if (typeof calibration?.ranges !== 'object' || calibration.ranges === null)
    throw expected('ERR_ARGUMENT', 'a calibration', calibration);
  const rows = rowsOf(model, options);
  checkOptionKeys('quantize', quantize, ['weights', 'activations', 'rounding']);
  for (const [name, text] of Object.entries({ title, date: date ?? '' }))
    if (typeof text !== 'string') throw expected('ERR_ARGUMENT', `${name} to be a string`, text);
  checkInteger('maxLayers', maxLayers, 1, MOST_LAYERS);
  checkInteger('observedRows', observedRows, 1, MOST_ROWS);
  checkInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  if (typeof latency !== 'boolean') throw expected('ERR_ARGUMENT', 'latency to be a boolean', latency);
  if (labels !== undefined) checkLabels(labels, model, rows);
  return {
    calibration,
    rows,
    testIsCalibration: options.rows === undefined,
    labels,
    quantize,
    title,
    date: date ?? null,
    maxLayers,
    observedRows,
    latency,
    seed,
    signal,
    onProgress: onProgress ?? (() => {}),
  };
}

function rowsOf(model: MLP, { rows, calibration, labels }: ReportOptions): Float32Array {
  if (rows === undefined && labels !== undefined) throw expected('ERR_ARGUMENT', 'rows beside labels', rows);
  const used = rows ?? calibration.kept;
  checkFloats('rows', used);
  if (used.length === 0)
    throw expected('ERR_ARGUMENT', 'rows, or a calibration that kept some (keepRows)', 'none');
  if (used.length % model.inFeatures !== 0)
    throw expected('ERR_SHAPE', `whole rows of ${model.inFeatures} features`, used);
  return used;
}

function checkLabels(labels: unknown, { inFeatures, outFeatures }: MLP, rows: Float32Array): void {
  if (!(labels instanceof Uint8Array || labels instanceof Int32Array))
    throw expected('ERR_DTYPE', 'labels to be a Uint8Array or Int32Array', labels);
  const count = rows.length / inFeatures;
  if (labels.length !== count) throw expected('ERR_SHAPE', `${count} labels, one a row`, labels.length);
  const classes = Math.max(outFeatures, 2);
  const bad = labels.findIndex((label) => label < 0 || label >= classes);
  if (bad >= 0) throw expected('ERR_ARGUMENT', `labels in 0…${classes - 1}`, `${labels[bad]} at row ${bad}`);
}
