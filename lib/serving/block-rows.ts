import type { Model } from '../models/model';

const RUNS = 3;
/** Enough rows for the weights to be read once for several of them. */
const SAMPLE_ROWS = 16;

/**
 * The most rows that take at most `maxMs` on the event loop: measured with one row and with a few. The first run also
 * compiles a model that is not yet compiled. Errors: ERR_DISPOSED.
 */
export function blockRows(model: Model, maxMs: number): number {
  if (maxMs === 0 || timeOf(model, 1) > maxMs) return -1; // not even a call without rows
  return (maxMs * SAMPLE_ROWS) / timeOf(model, SAMPLE_ROWS);
}

/** Milliseconds of a run, the best of a few after an untimed one. */
function timeOf(model: Model, rows: number): number {
  const input = new Float32Array(rows * model.inFeatures);
  const output = new Float32Array(rows * model.outFeatures);
  model.runSync(input, output);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < RUNS; i++) {
    const start = performance.now();
    model.runSync(input, output);
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
