// What /metrics shows. A registry of its own, so that two services in one process do not meet.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const LATENCY_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const BATCH_ROWS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** `stats()`: the batcher's, of the model that is served now. */
export function createMetrics(stats) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauge = (name, help, value) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value(stats()));
      },
    });
  gauge('predict_queue_rows', 'Rows that wait for a batch', ({ queued }) => queued);
  gauge('predict_batches_running', 'Batches in the model', ({ running }) => running);
  return {
    registry,
    latency: new Histogram({
      name: 'http_request_duration_seconds',
      help: 'From the first byte of a request to the last of its answer',
      labelNames: ['route', 'status'],
      buckets: LATENCY_SECONDS,
      registers,
    }),
    batchRows: new Histogram({
      name: 'predict_batch_rows',
      help: 'Rows of a batch',
      buckets: BATCH_ROWS,
      registers,
    }),
    batchSeconds: new Histogram({
      name: 'predict_batch_seconds',
      help: 'Time of a batch in the model',
      buckets: LATENCY_SECONDS,
      registers,
    }),
    rejections: new Counter({
      name: 'predict_rejections_total',
      help: 'Predictions that ended with an error, by its code',
      labelNames: ['code'],
      registers,
    }),
    reloads: new Counter({
      name: 'model_reloads_total',
      help: 'Reloads by outcome',
      labelNames: ['outcome'],
      registers,
    }),
  };
}
