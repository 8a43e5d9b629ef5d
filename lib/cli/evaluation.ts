import { type Agreement, argmax, ClassAgreement, Difference, type ValueDifference } from '../difference';
import { expected } from '../errors';
import { decisionThreshold } from '../models/decision-threshold';
import type { Model } from '../models/model';
import type { Context } from './outcome';
import { type RowSource, readLabels } from './rows';

export interface Accuracy {
  readonly correct: number;
  readonly percent: number;
}

/** How far a model's outputs are from those of a reference. */
export type OutputDifference = Agreement & Pick<ValueDifference, 'maxAbs' | 'meanAbs' | 'sqnrDb'>;

export interface ModelResult {
  readonly accuracy: Accuracy | undefined;
  /** Time in the model alone, without reading the file. */
  readonly rowsPerSecond: number;
}

export interface Evaluation {
  readonly rows: number;
  readonly model: ModelResult;
  readonly reference: ModelResult | undefined;
  readonly difference: OutputDifference | undefined;
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
  const difference = new Difference();
  const agreement = new ClassAgreement(model.outFeatures);
  let done = 0;
  for await (const batch of source.batches(batchRows)) {
    signal?.throwIfAborted();
    const outputs = measured.run(batch, done);
    if (compared !== undefined) {
      const expected = compared.run(batch, done);
      difference.add(outputs, expected);
      agreement.add(outputs, expected);
    }
    done += batch.length / model.inFeatures;
    onProgress({ step: 'evaluate', done, total: source.rows });
    yield outputs;
  }
  signal?.throwIfAborted();
  return {
    rows: done,
    model: measured.result(done),
    reference: compared?.result(done),
    difference: compared && { ...agreement.result(), ...outputDifference(difference) },
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

function outputDifference(difference: Difference) {
  const { maxAbs, meanAbs, sqnrDb } = difference.result();
  return { maxAbs, meanAbs, sqnrDb };
}

/** Errors: ERR_SHAPE. */
export function checkSamePorts(model: Model, reference: Model): void {
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
