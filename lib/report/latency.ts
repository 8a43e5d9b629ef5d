import type { Model } from '../models/model';
import { median } from '../timing/statistics';
import { takeTurns } from '../timing/turns';
import type { ReportLatency } from './types';

/** Rows of the batch that is timed. */
export const BATCH_ROWS = 64;

const EFFORT = { minTurns: 3, maxTurns: 60, burstMs: 2, warmUpMs: 15, cellMs: 120, slowTurns: 3 } as const;

/** Median microseconds a call, into an array that is kept. Errors: signal.reason; those of a run. */
export async function measureLatency(
  model: Model,
  rows: Float32Array,
  signal: AbortSignal | undefined,
): Promise<ReportLatency> {
  const time = async (count: number): Promise<number> => {
    const input = repeated(rows, count * model.inFeatures);
    const output = new Float32Array(count * model.outFeatures);
    const contender = { name: 'model', isAsync: false, call: () => model.runSync(input, output) };
    const [timed] = await takeTurns([contender], EFFORT, { signal });
    return 1000 * median(timed!.samples)!;
  };
  return { oneRow: await time(1), batch: await time(BATCH_ROWS) };
}

/** The first values, from the start again where they are too few. */
function repeated(values: Float32Array, length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => values[i % values.length]!);
}
