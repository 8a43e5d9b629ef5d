/** What a report holds, as plain JSON: numbers are finite or null, nothing is a class. */

/** The formats that a report sets beside float32. */
export type ReportFormat = 'int8' | 'e4m3fn';
export const REPORT_FORMATS: readonly ReportFormat[] = ['int8', 'e4m3fn'];

/** All that stands in a report. */
export interface ReportData {
  /** Of this layout: 1. */
  readonly version: 1;
  readonly title: string;
  /** As it was passed in. */
  readonly date: string | null;
  readonly producer: { readonly requant: string; readonly node: string; readonly kernel: string };
  readonly model: ReportModel;
  readonly rows: ReportRows;
  /** The float model first, then int8, then FP8. */
  readonly summary: readonly ReportVariant[];
  /** The Linear layers, in order; at most so many as `options.maxLayers`. */
  readonly layers: readonly ReportLayer[];
  /** Worst first; the layers of `layers`. */
  readonly sensitivity: readonly ReportSensitivity[];
  readonly methods: readonly ReportMethod[];
  readonly calibration: ReportCalibration;
  /** In the order of the model's record; empty where it says nothing of a training. */
  readonly training: readonly ReportTraining[];
  readonly advice: readonly ReportAdvice[];
  /** What was left out or sampled, in words. */
  readonly notes: readonly string[];
}

/** One training, of at most 200 of its epochs. */
export interface ReportTraining {
  /** Of the record: `train`, `trainQuantized` … */
  readonly step: string;
  readonly epochs: readonly {
    readonly epoch: number;
    /** Means over rows. */
    readonly loss: number;
    readonly validationLoss: number | null;
    /** Percent: of the validation rows where there were some, else of the training rows; null without classes. */
    readonly accuracy: number | null;
  }[];
}

/** The float model in numbers. */
export interface ReportModel {
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** Linear layers, all of them. */
  readonly layers: number;
  /** Weights and biases. */
  readonly parameters: number;
  /** Operators of the float model in order, as 'linear 784 → 256', 'relu'. */
  readonly operators: readonly string[];
}

/** What was measured on. */
export interface ReportRows {
  readonly calibration: number;
  /** Rows that accuracy and output error are measured on. */
  readonly test: number;
  /** Whether those are rows of their own, or the calibration's. */
  readonly testIsCalibration: boolean;
  readonly labels: boolean;
  /** Rows that the layers' values are measured on, drawn from the test rows. */
  readonly observed: number;
}

/** How far the outputs are from the float model's. */
export interface OutputError {
  /** 10·log10(Σ float² / Σ (float − x)²); null where nothing differs. */
  readonly sqnrDb: number | null;
  /** Σ float·x / √(Σ float² · Σ x²); 1 where both are all zeros. */
  readonly cosine: number;
}

/** The whole model in one format. */
export interface ReportVariant {
  readonly format: 'float32' | ReportFormat;
  /** Why this format could not be made; the measures are then 0. */
  readonly unavailable?: ReportFailure;
  /** Percent of the test rows; null without labels. */
  readonly accuracy: number | null;
  /** Percent of the rows with the float model's argmax; null with one output. */
  readonly agreement: number | null;
  /** Of the outputs; null: they do not differ. */
  readonly sqnrDb: number | null;
  /** Of the model file. */
  readonly bytes: number;
  readonly latency: ReportLatency | null;
}

/** Median microseconds a call on one thread, for one row and for a batch. Of this machine and this moment. */
export interface ReportLatency {
  readonly oneRow: number;
  readonly batch: number;
}

/** Why something could not be made: a RequantError. */
export interface ReportFailure {
  readonly code: string;
  readonly message: string;
}

/** One Linear layer. */
export interface ReportLayer {
  readonly name: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly weights: ReportTensor;
  /** What the layer reads. */
  readonly activations: ReportTensor;
  /** Largest over smallest max|w| of an output feature, all-zero ones left out: what one scale for all would waste. */
  readonly weightSpread: number;
  /** Largest max|x| of an input feature over their median (of those that are not all 0). */
  readonly activationSpread: number;
  readonly pruning: ReportPruning;
  readonly formats: Readonly<Partial<Record<ReportFormat, LayerInFormat>>>;
}

/** What could leave a layer. Shares are percentages. */
export interface ReportPruning {
  /** Of the weights, and of the blocks of four outputs of one input: those that are 0. */
  readonly zeros: number;
  readonly zeroBlocks: number;
  /** Output features that `prune` could take out; 0 where they stay. */
  readonly removableNeurons: number;
  /** Why; null where they are removable. */
  readonly neuronsStay: string | null;
  /** Of all saliency, what the least 50, 75 and 90 % of the weights hold. */
  readonly least: readonly number[];
  /** log10 of the saliencies above 0; no grids. */
  readonly saliencies: ReportTensor;
}

/** The values of a tensor, in real units, and the grids that they are rounded to. */
export interface ReportTensor {
  readonly min: number;
  readonly max: number;
  readonly histogram: ReportHistogram;
  readonly grids: readonly ReportGrid[];
}

/** counts[i] values lie in [start + i·width, start + (i + 1)·width). */
export interface ReportHistogram {
  readonly start: number;
  readonly width: number;
  readonly counts: readonly number[];
  /** Exact zeros are counted apart: every grid holds 0. */
  readonly zeros: number;
}

/** The real numbers that a format can hold. */
export interface ReportGrid {
  readonly format: ReportFormat;
  readonly label: string;
  readonly min: number;
  readonly max: number;
  /** Between neighbours; null where they are not evenly spaced. */
  readonly step: number | null;
  /** In order; at most 256. */
  readonly levels: readonly number[];
}

/** A layer inside the model in a format: its own error, and what reaches its output with that of the layers before. */
export interface LayerInFormat {
  readonly output: OutputError;
  readonly weights: GridError;
  readonly activations: GridError;
}

/** Of rounding values to a grid: mean squares in squared real units. */
export interface GridError {
  readonly sqnrDb: number | null;
  /** Of the values inside the grid's range. */
  readonly rounding: number;
  /** Of those beyond its ends. */
  readonly clipping: number;
  /** Percent of the values beyond the ends. */
  readonly saturated: number;
}

/** What one layer costs. */
export interface ReportSensitivity {
  readonly name: string;
  /** Of the model's output where this layer alone is int8; null where nothing differs. */
  readonly sqnrDb: number | null;
}

/** One way to make a smaller model, measured. Percent, percentage points, dB. */
export interface ReportMethod {
  readonly name: string;
  readonly accuracy: number | null;
  /** Of accuracy; without labels of rows with the float model's argmax. */
  readonly drop: number | null;
  readonly agreement: number | null;
  readonly sqnrDb: number | null;
  readonly bytes: number;
  readonly latency: ReportLatency | null;
  /** The method could not be used; the measures are then 0. */
  readonly error?: string;
}

/** Where the ranges come from. */
export interface ReportCalibration {
  readonly method: string;
  readonly rows: number;
  /** By value, in the model's order. */
  readonly ranges: readonly { readonly name: string; readonly min: number; readonly max: number }[];
  /** Steps that made the int8 model, as its file tells them. */
  readonly record: readonly Readonly<Record<string, unknown>>[];
}

/** One thing to try, or that nothing needs to be done. */
export interface ReportAdvice {
  /** good: nothing to do; hint: worth a try; problem: something is lost. */
  readonly level: 'good' | 'hint' | 'problem';
  readonly text: string;
  /** The option or command that does it. */
  readonly command?: string;
}
