import { type Agreement, ClassAgreement, Difference, type ValueDifference } from '../difference';
import type { GraphModel } from '../models/model';
import { Observer } from '../models/observer';
import { checkSamePorts } from './evaluation';
import type { Context } from './outcome';
import { type Pair, type Pairing, pairValues } from './pairing';
import type { RowSource } from './rows';

/** Every value of a batch is held, of both models. */
const BATCH_ROWS = 256;

export interface Comparison {
  readonly rows: number;
  readonly by: Pairing['by'];
  readonly values: readonly (Pair & ValueDifference)[];
  readonly output: ValueDifference & Agreement;
}

/** Runs both models on at most `limit` rows and compares their values; `a` is the reference. Errors: ERR_SHAPE, and those of a run. */
export async function compare(
  source: RowSource,
  [a, b]: readonly [GraphModel, GraphModel],
  limit: number,
  { signal, onProgress }: Context,
): Promise<Comparison> {
  checkSamePorts(a, b);
  const { by, pairs } = pairValues(a.graph, b.graph);
  const values = pairs.map((pair) => ({ pair, difference: new Difference() }));
  const output = new Difference();
  const agreement = new ClassAgreement(a.outFeatures);
  const total = Math.min(source.rows, limit);
  let done = 0;
  using first = new Watch(a);
  using second = new Watch(b);
  for await (const batch of source.batches(Math.min(BATCH_ROWS, total))) {
    signal?.throwIfAborted();
    const rows = batch.subarray(0, (total - done) * a.inFeatures);
    const [x, y] = [first.values(rows), second.values(rows)];
    for (const { pair, difference } of values) difference.add(y.get(pair.b)!, x.get(pair.a)!);
    const [outputs, reference] = [y.get(b.graph.output)!, x.get(a.graph.output)!];
    output.add(outputs, reference);
    agreement.add(outputs, reference);
    done += rows.length / a.inFeatures;
    onProgress({ step: 'compare', done, total });
    if (done === total) break;
  }
  signal?.throwIfAborted();
  return {
    rows: done,
    by,
    values: values.map(({ pair, difference }) => ({ ...pair, ...difference.result() })),
    output: { ...output.result(), ...agreement.result() },
  };
}

/** The values of a model by name, as real numbers. */
class Watch implements Disposable {
  private readonly observer: Observer;

  constructor({ graph }: GraphModel) {
    this.observer = new Observer(graph, { nanIsZero: false });
  }

  values(rows: Float32Array): Map<string, Float32Array> {
    const values = new Map<string, Float32Array>();
    this.observer.observe(rows, (name, data) => values.set(name, data));
    return values;
  }

  [Symbol.dispose](): void {
    this.observer.release();
  }
}
