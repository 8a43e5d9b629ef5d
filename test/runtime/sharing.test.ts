import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { calibrate } from '../../lib/calibration/calibrate';
import { linear } from '../../lib/layers/linear';
import { MLP } from '../../lib/models/mlp';
import { quantize } from '../../lib/models/quantize';
import { QuantizedMLP } from '../../lib/models/quantized-mlp';

const MIB = 2 ** 20;
const WIDTH = 4096;
const WEIGHT_BYTES = WIDTH * WIDTH;
const dist = path.join(__dirname, '../../dist/index.js');
const folder = mkdtempSync(path.join(tmpdir(), 'requant-sharing-'));
const file = path.join(folder, 'model.safetensors');
const row = new Float32Array(WIDTH).map((_, i) => Math.sin(i));

beforeAll(async () => {
  const float = new MLP([linear({ inFeatures: WIDTH, outFeatures: WIDTH })]);
  const model = quantize(float, await calibrate(float, row));
  await model.save(file);
  model.dispose();
  float.dispose();
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Bytes that this process has mapped for itself (not V8's reserved addresses). */
const residentBytes = () => process.memoryUsage.rss();

test('models of the same weights have them once; the last one frees them', async () => {
  const first = await QuantizedMLP.load(file);
  const expected = first.runSync(row);
  const before = residentBytes();
  const others: QuantizedMLP[] = [];
  for (let i = 0; i < 6; i++) others.push(await QuantizedMLP.load(file));
  expect(residentBytes() - before).toBeLessThan(3 * WEIGHT_BYTES);
  first.dispose();
  for (const model of others) {
    expect(model.runSync(row)).toEqual(expected);
    model.dispose();
  }
});

/** A thread that loads the built package's model, tells its first results, and waits. */
const WORKER = `
const { parentPort, workerData: { dist, file, row } } = require('node:worker_threads');
require(dist).QuantizedMLP.load(file).then((model) => {
  parentPort.postMessage(model.runSync(row));
  setInterval(() => model.runSync(row), 1);
});`;

async function startWorker(): Promise<{ worker: Worker; result: Float32Array }> {
  const worker = new Worker(WORKER, { eval: true, workerData: { dist, file, row } });
  const result = await new Promise<Float32Array>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return { worker, result };
}

test('worker threads share the weights of a file, and can be terminated while they run', async () => {
  const model = await QuantizedMLP.load(file);
  const expected = model.runSync(row);
  const before = residentBytes();
  const workers = await Promise.all(Array.from({ length: 4 }, startWorker));
  // A worker's own isolate takes some 10 MiB.
  expect(residentBytes() - before).toBeLessThan(4 * 14 * MIB + WEIGHT_BYTES);
  for (const { worker, result } of workers) {
    expect(result).toEqual(expected);
    await worker.terminate();
  }
  expect(model.runSync(row)).toEqual(expected);
  model.dispose();
});
