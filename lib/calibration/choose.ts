import type { Method } from './methods';
import type { Calibration, MakeJudge } from './types';

/** What 'auto' chooses from; the first of equally good ones is taken, and without a judgement the first of all. */
const CANDIDATES: readonly Method[] = ['mse', 'entropy', 'percentile', 'minmax', 'movingAverage'];

/** The calibration with the smallest output error on the rows. `pause` lets the event loop turn between two of them. */
export async function chosen(
  makeJudge: MakeJudge | undefined,
  rows: Float32Array,
  calibrationBy: (method: Method) => Calibration,
  pause: () => Promise<void>,
): Promise<Calibration> {
  const first = calibrationBy(CANDIDATES[0]!);
  if (makeJudge === undefined || rows.length === 0) return first;
  const judge = makeJudge(rows);
  let best = first;
  let least = judge(first) ?? Number.POSITIVE_INFINITY;
  for (const method of CANDIDATES.slice(1)) {
    await pause();
    const calibration = calibrationBy(method);
    const error = judge(calibration) ?? Number.POSITIVE_INFINITY;
    if (error < least) [best, least] = [calibration, error];
  }
  return best;
}
