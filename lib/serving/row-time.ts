import type { Model } from '../models/model';

const RUNS = 3;

/**
 * Milliseconds that one row takes on the event loop, the best of a few runs. That many rows take no more than that many
 * times as long, since a batch reads the weights once. The first run also compiles a model that is not yet compiled.
 * Errors: ERR_DISPOSED.
 */
export function rowTime(model: Model): number {
  const row = new Float32Array(model.inFeatures);
  const output = new Float32Array(model.outFeatures);
  model.runSync(row, output);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < RUNS; i++) {
    const start = performance.now();
    model.runSync(row, output);
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
