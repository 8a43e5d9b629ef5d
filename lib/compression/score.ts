import { argmax, ClassAgreement, Difference } from '../difference';
import { expected } from '../errors';
import { decisionThreshold } from '../models/decision-threshold';
import type { Model } from '../models/model';
import type { Job } from './job';

/** Rows to judge a model on, row-major [rows, inFeatures], and maybe their classes. */
export interface ScoreData {
  readonly inputs: Float32Array;
  readonly labels?: Uint8Array | Int32Array | undefined;
}

/** How good a model is beside the float model that it comes from. */
export interface Score {
  /** Percent of right classes; where there are labels. */
  readonly accuracy?: number;
  /** Percentage points lost: of accuracy, or without labels of agreement; missing for one output without labels. */
  readonly drop?: number;
  /** Percent of rows with the same argmax; missing for one output. */
  readonly agreement?: number;
  readonly sqnrDb: number;
}

/** Rows that are run at once: bounds memory, and how long the event loop waits. */
const CHUNK_ROWS = 1024;

/** Float outputs and labels, kept to judge many models against them. */
export class Judge {
  private readonly reference: Float32Array[] = [];
  private readonly right: number;

  /** Errors: ERR_DTYPE, ERR_SHAPE, ERR_ARGUMENT (labels), and those of `runSync`. */
  constructor(
    private readonly float: Model,
    private readonly data: ScoreData,
  ) {
    checkScoreData(data, float);
    for (const rows of this.chunks()) this.reference.push(float.runSync(rows));
    this.right = this.rightIn(this.reference);
  }

  /** Percent of right classes of the float model. */
  get accuracy(): number | undefined {
    return this.data.labels && this.percent(this.right);
  }

  /** Errors: those of `runSync`; signal.reason. */
  async score(model: Model, job: Job): Promise<Score> {
    const difference = new Difference();
    const agreement = new ClassAgreement(model.outFeatures);
    const outputs: Float32Array[] = [];
    for (const rows of this.chunks()) {
      const output = model.runSync(rows);
      const reference = this.reference[outputs.length]!;
      outputs.push(output);
      difference.add(output, reference);
      agreement.add(output, reference);
      await job.yieldWhenDue();
    }
    const { agreementPercent, changedRows } = agreement.result();
    const right = this.rightIn(outputs);
    const lost = this.data.labels ? this.right - right : changedRows;
    return {
      ...(this.data.labels && { accuracy: this.percent(right) }),
      ...(lost !== null && { drop: this.percent(lost) }),
      ...(agreementPercent !== null && { agreement: agreementPercent }),
      sqnrDb: difference.result().sqnrDb,
    };
  }

  private percent(rows: number): number {
    return (100 * rows * this.float.inFeatures) / this.data.inputs.length;
  }

  private *chunks(): Generator<Float32Array> {
    const step = CHUNK_ROWS * this.float.inFeatures;
    const { inputs } = this.data;
    for (let start = 0; start < inputs.length; start += step) yield inputs.subarray(start, start + step);
  }

  private rightIn(outputs: readonly Float32Array[]): number {
    const { labels } = this.data;
    if (labels === undefined) return 0;
    const { outFeatures } = this.float;
    const threshold = decisionThreshold(this.float);
    let [row, right] = [0, 0];
    for (const output of outputs) {
      for (let i = 0; i < output.length; i += outFeatures, row++) {
        const answer = outFeatures === 1 ? Number(output[i]! > threshold) : argmax(output, i, outFeatures);
        right += Number(answer === labels[row]);
      }
    }
    return right;
  }
}

/** Errors: ERR_DTYPE, ERR_SHAPE, ERR_ARGUMENT. */
function checkScoreData(data: ScoreData, { inFeatures, outFeatures }: Model): void {
  const { inputs, labels } = data ?? {};
  if (!(inputs instanceof Float32Array))
    throw expected('ERR_DTYPE', 'data.inputs to be a Float32Array', inputs);
  const rows = inputs.length / inFeatures;
  if (rows === 0) throw expected('ERR_ARGUMENT', 'data with at least one row', 0);
  if (!Number.isInteger(rows))
    throw expected('ERR_SHAPE', `data.inputs of rows of ${inFeatures}`, `${inputs.length} values`);
  if (labels === undefined) return;
  if (!(labels instanceof Uint8Array || labels instanceof Int32Array))
    throw expected('ERR_DTYPE', 'data.labels to be a Uint8Array or Int32Array', labels);
  if (labels.length !== rows) throw expected('ERR_SHAPE', `data.labels of length ${rows}`, labels.length);
  const classes = Math.max(outFeatures, 2);
  const wrong = labels.findIndex((label: number) => label < 0 || label >= classes);
  if (wrong >= 0)
    throw expected('ERR_ARGUMENT', `data.labels in 0…${classes - 1}`, `${labels[wrong]} at row ${wrong}`);
}
