/** What calibration takes and gives: the public types, and the interface that models implement. */

/**
 * How a value's range is chosen from its data. Default 'auto': all observers watch, and the one whose ranges give the
 * static int8 model the smallest output error on the kept rows is taken; 'mse' where nothing can be judged.
 */
export type Observer = 'auto' | 'minmax' | 'movingAverage' | 'percentile' | 'entropy' | 'mse';

/** One array is one batch, row-major [rows, inFeatures]. Read once. */
export type Batches = Float32Array | Iterable<Float32Array> | AsyncIterable<Float32Array>;

/** `done` and `total` count the step's own unit: rows when calibrating. */
export interface Progress {
  readonly step: string;
  readonly done: number;
  readonly total?: number;
  readonly loss?: number;
  readonly accuracy?: number;
  readonly rowsPerSecond?: number;
}

/** What every slow job takes. An abort rejects with `signal.reason`. */
export interface JobOptions {
  signal?: AbortSignal;
  /** Called on the thread of the job, between steps. */
  onProgress?: (p: Progress) => void;
  seed?: number;
}

export interface CalibrateOptions extends JobOptions {
  /** Default 'auto'. */
  method?: Observer;
  /** For 'percentile', in (50, 100]: the range ends at this percentile and at 100 minus it. Default 99.99. */
  percentile?: number;
  /** For 'movingAverage', in [0, 1): the weight of the batches so far against the next one. Default 0.9. */
  momentum?: number;
  /** How many of the first rows stay in the result, for methods driven by data (`inputs: 'per-feature'`). Default 1024. */
  keepRows?: number;
}

/** Ranges by value name; plain data, JSON round trip but for `kept`. */
export interface Calibration {
  /** The observer that was used, never 'auto' when it comes from `calibrate`. */
  readonly method: Observer;
  /** How many rows were read. */
  readonly rows: number;
  /** Real units, float32 values, min ≤ 0 ≤ max. No prototype: any name is safe. */
  readonly ranges: Readonly<Record<string, { min: number; max: number }>>;
  /** The first `keepRows` rows, row-major [·, inFeatures]; empty after a JSON round trip. */
  readonly kept: Float32Array;
  /** All but `kept`; `calibrationFromJSON` reads it. */
  toJSON(): object;
}

/** A float model that can show what flows through it. */
export interface Calibratable {
  readonly inFeatures: number;
  /** Names of all values in order, the input first. */
  readonly valueNames: readonly string[];
  /**
   * Runs the rows and shows every value's float32 data, [rows, features of that value]. The array shown is only
   * valid during the visit: a model may reuse its memory.
   */
  observe(rows: Float32Array, visit: (name: string, data: Float32Array) => void): void;
}

/** How wrong the model's output gets with these ranges, as a sum of squares; undefined where they cannot be used. */
export type Judge = (calibration: Calibration) => number | undefined;

/** Prepares to judge ranges on some rows. */
export type MakeJudge = (rows: Float32Array) => Judge;
