import type { Calibration, JobOptions } from '../calibration/types';
import { checkJobOptions } from '../compression/job';
import type { ScoreData } from '../compression/score';
import { expected } from '../errors';
import type { QuantizeOptions } from '../models/quantize';
import { checkInteger, checkOptionKeys } from '../runtime/checks';

/** What `report` takes besides the model. */
export interface ReportOptions extends JobOptions {
  /** Of `calibrate`, with the rows that it kept. */
  calibration: Calibration;
  /** Rows to measure on, better not those calibrated on, and maybe their classes. Default: the rows that the calibration kept. */
  data?: ScoreData;
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
  /** Seconds for the table of methods; the ones that the time is not enough for are left out, and a note says so. Default 30. */
  budget?: number;
}

/** The options, checked and completed. */
export interface ReportSettings {
  readonly calibration: Calibration;
  readonly data: ScoreData;
  readonly testIsCalibration: boolean;
  readonly quantize: NonNullable<ReportOptions['quantize']>;
  readonly title: string;
  readonly date: string | null;
  readonly maxLayers: number;
  readonly observedRows: number;
  readonly latency: boolean;
  readonly budget: number;
  readonly seed: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: NonNullable<JobOptions['onProgress']>;
}

const KEYS = [
  'calibration',
  'data',
  'quantize',
  'title',
  'date',
  'maxLayers',
  'observedRows',
  'latency',
  'budget',
];
const MOST_LAYERS = 100;
const MOST_ROWS = 65_536;

/** Errors: ERR_ARGUMENT. The rows and labels are checked where they are used first. */
export function reportSettings(options: ReportOptions): ReportSettings {
  checkJobOptions(options, KEYS);
  const { calibration, data, quantize = {}, title = 'Model', date } = options ?? {};
  const { maxLayers = 12, observedRows = 1024, latency = true, budget = 30, seed = 0 } = options ?? {};
  if (typeof calibration?.ranges !== 'object' || calibration.ranges === null)
    throw expected('ERR_ARGUMENT', 'a calibration', calibration);
  checkOptionKeys('data', data, ['inputs', 'labels']);
  checkOptionKeys('quantize', quantize, ['weights', 'activations', 'rounding']);
  for (const [name, text] of Object.entries({ title, date: date ?? '' }))
    if (typeof text !== 'string') throw expected('ERR_ARGUMENT', `${name} to be a string`, text);
  checkInteger('maxLayers', maxLayers, 1, MOST_LAYERS);
  checkInteger('observedRows', observedRows, 1, MOST_ROWS);
  if (typeof latency !== 'boolean') throw expected('ERR_ARGUMENT', 'latency to be a boolean', latency);
  if (!(typeof budget === 'number' && budget >= 0))
    throw expected('ERR_ARGUMENT', 'budget in seconds ≥ 0', budget);
  return {
    calibration,
    data: data ?? { inputs: calibration.kept },
    testIsCalibration: data === undefined,
    quantize,
    title,
    date: date ?? null,
    maxLayers,
    observedRows,
    latency,
    budget,
    seed,
    signal: options.signal,
    onProgress: options.onProgress ?? (() => {}),
  };
}
