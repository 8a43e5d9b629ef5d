import type { Graph } from '../models/graph';
import { Observer } from '../models/observer';
import type { Job } from './job';

/** Rows that are observed at once: bounds memory. */
const CHUNK_ROWS = 512;

/** Looks at some values of a model, float or quantized, over rows; what is shown is valid during the visit alone. */
export async function watch(
  graph: Graph,
  rows: Float32Array,
  job: Job,
  visit: (name: string, data: Float32Array) => void,
): Promise<void> {
  const observer = new Observer(graph, { nanIsZero: false });
  try {
    const step = CHUNK_ROWS * graph.values.get(graph.input)!.features;
    for (let start = 0; start < rows.length; start += step) {
      observer.observe(rows.subarray(start, start + step), visit);
      await job.yieldWhenDue();
    }
  } finally {
    observer.release();
  }
}

/** E[x] of each feature of these values, in float64. */
export async function featureMeans(
  graph: Graph,
  rows: Float32Array,
  names: ReadonlySet<string>,
  job: Job,
): Promise<ReadonlyMap<string, Float64Array>> {
  const sums = accumulators(graph, names);
  await watch(graph, rows, job, (name, data) => {
    const sum = sums.get(name);
    if (sum === undefined) return;
    for (let i = 0; i < data.length; i++) sum[i % sum.length]! += data[i]!;
  });
  const count = rows.length / graph.values.get(graph.input)!.features;
  for (const sum of sums.values()) for (let k = 0; k < sum.length; k++) sum[k]! /= count;
  return sums;
}

/** max|x| of each feature of these values. */
export async function featureMaxima(
  graph: Graph,
  rows: Float32Array,
  names: ReadonlySet<string>,
  job: Job,
): Promise<ReadonlyMap<string, Float64Array>> {
  const maxima = accumulators(graph, names);
  await watch(graph, rows, job, (name, data) => {
    const max = maxima.get(name);
    if (max === undefined) return;
    for (let i = 0; i < data.length; i++) {
      const k = i % max.length;
      max[k] = Math.max(max[k]!, Math.abs(data[i]!));
    }
  });
  return maxima;
}

function accumulators(graph: Graph, names: ReadonlySet<string>): Map<string, Float64Array> {
  return new Map([...names].map((name) => [name, new Float64Array(graph.values.get(name)!.features)]));
}
