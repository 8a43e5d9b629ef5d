import { expected } from '../errors';
import type { Model } from '../models/model';
import type { Context } from './outcome';
import { type RowSource, readLabels } from './rows';

export interface Accuracy {
  readonly correct: number;
  readonly percent: number;
}

/** How far a model's outputs are from those of a reference. */
export interface Difference {
  /** Rows whose argmax changed, and the share of the others; null with one output, which has no argmax. */
  readonly changedRows: number | null;
  readonly agreementPercent: number | null;
  readonly maxAbs: number;
  readonly meanAbs: number;
  /** 10·log10(Σ reference² / Σ (reference − model)²); Infinity where all outputs are the same. */
  readonly sqnrDb: number;
}

export interface ModelResult {
  readonly accuracy: Accuracy | undefined;
  /** Time in the model alone, without reading the file. */
  readonly rowsPerSecond: number;
}

export interface Evaluation {
  readonly rows: number;
  readonly model: ModelResult;
  readonly reference: ModelResult | undefined;
  readonly difference: Difference | undefined;
}

export interface EvaluationRequest {
  readonly model: Model;
  readonly reference?: Model | undefined;
  /** Path of the labels. */
  readonly labels?: string | undefined;
  readonly batchRows?: number | undefined;
}

/** Runs all rows; gives the model's outputs as they come, and returns what was measured. */
export async function* evaluate(
  source: RowSource,
  { model, reference, labels: labelsPath, batchRows }: EvaluationRequest,
  { signal, onProgress }: Context,
): AsyncGenerator<Float32Array, Evaluation> {
  if (reference !== undefined) checkSamePorts(model, reference);
  const classes = Math.max(model.outFeatures, 2);
  const labels = labelsPath === undefined ? undefined : await readLabels(labelsPath, source, classes);
  const measured = new Measured(model, labels);
  const compared = reference && new Measured(reference, labels);
  const differences = compared && new Differences(model.outFeatures);
  let done = 0;
  for await (const batch of source.batches(batchRows)) {
    signal?.throwIfAborted();
    const outputs = measured.run(batch, done);
    if (compared !== undefined) differences!.add(outputs, compared.run(batch, done));
    done += batch.length / model.inFeatures;
    onProgress({ step: 'evaluate', done, total: source.rows });
    yield outputs;
  }
  signal?.throwIfAborted();
  return {
    rows: done,
    model: measured.result(done),
    reference: compared?.result(done),
    difference: differences?.result(),
  };
}

/** The same without the outputs. */
export async function evaluateAll(
  source: RowSource,
  request: EvaluationRequest,
  context: Context,
): Promise<Evaluation> {
  const outputs = evaluate(source, request, context);
  for (;;) {
    const { done, value } = await outputs.next();
    if (done) return value;
  }
}

function checkSamePorts(model: Model, reference: Model): void {
  const ports = ({ inFeatures, outFeatures }: Model): string => `${inFeatures} → ${outFeatures}`;
  if (ports(model) !== ports(reference))
    throw expected('ERR_SHAPE', `a model to compare with of ${ports(model)} features`, ports(reference));
}

/** A model with its stopwatch and the count of its right answers. */
class Measured {
  private milliseconds = 0;
  private correct = 0;
  private readonly threshold: number;

  constructor(
    private readonly model: Model,
    private readonly labels: Int32Array | undefined,
  ) {
    this.threshold = decisionThreshold(model);
  }

  run(batch: Float32Array, firstRow: number): Float32Array {
    const start = performance.now();
    const outputs = this.model.runSync(batch);
    this.milliseconds += performance.now() - start;
    if (this.labels !== undefined) this.count(outputs, this.labels, firstRow);
    return outputs;
  }

  result(rows: number): ModelResult {
    return {
      accuracy: this.labels && { correct: this.correct, percent: (100 * this.correct) / rows },
      rowsPerSecond: rows / (this.milliseconds / 1000),
    };
  }

  private count(outputs: Float32Array, labels: Int32Array, firstRow: number): void {
    const { outFeatures } = this.model;
    for (let i = 0; i < outputs.length; i += outFeatures) {
      const answer =
        outFeatures === 1 ? Number(outputs[i]! > this.threshold) : argmax(outputs, i, outFeatures);
      if (answer === labels[firstRow + i / outFeatures]) this.correct++;
    }
  }
}

/** Above it, a single output means class 1: a probability behind a sigmoid, else a logit. */
function decisionThreshold({ stages }: Model): number {
  const last = stages.findLast(({ op }) => op !== 'quantize' && op !== 'dequantize');
  return last?.op === 'sigmoid' || last?.op === 'hardSigmoid' ? 0.5 : 0;
}

class Differences {
  private rows = 0;
  private changed = 0;
  private count = 0;
  private maxAbs = 0;
  private sumAbs = 0;
  private signal = 0;
  private noise = 0;

  constructor(private readonly features: number) {}

  add(outputs: Float32Array, reference: Float32Array): void {
    for (let i = 0; i < outputs.length; i++) {
      const error = Math.abs(outputs[i]! - reference[i]!);
      this.maxAbs = Math.max(this.maxAbs, error);
      this.sumAbs += error;
      this.signal += reference[i]! ** 2;
      this.noise += error ** 2;
    }
    this.count += outputs.length;
    for (let i = 0; i < outputs.length; i += this.features) {
      if (argmax(outputs, i, this.features) !== argmax(reference, i, this.features)) this.changed++;
      this.rows++;
    }
  }

  result(): Difference {
    const single = this.features === 1;
    return {
      changedRows: single ? null : this.changed,
      agreementPercent: single ? null : (100 * (this.rows - this.changed)) / this.rows,
      maxAbs: this.maxAbs,
      meanAbs: this.sumAbs / this.count,
      sqnrDb: this.noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(this.signal / this.noise),
    };
  }
}

/** Index in the row of its largest number; of equal ones the first. */
function argmax(outputs: Float32Array, start: number, features: number): number {
  let best = 0;
  for (let i = 1; i < features; i++) if (outputs[start + i]! > outputs[start + best]!) best = i;
  return best;
}
