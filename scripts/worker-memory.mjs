// What a model costs in each worker thread of a process: node scripts/worker-memory.mjs [workers, default 4]. Needs a build.
// Workers that load the same file share its packed weights; what is left of each is its own JavaScript.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { calibrate, linear, MLP, QuantizedMLP, quantize } from 'requant';

const WIDTH = 4096;
const LAYERS = 4;
const MIB = 2 ** 20;

async function loadAndRun(file) {
  const model = await QuantizedMLP.load(file);
  model.runSync(new Float32Array(WIDTH));
  return model;
}

async function save(file) {
  const float = new MLP(
    Array.from({ length: LAYERS }, () => linear({ inFeatures: WIDTH, outFeatures: WIDTH })),
  );
  const model = quantize(float, await calibrate(float, new Float32Array(4 * WIDTH).map(Math.sin)));
  await model.save(file);
  model.dispose();
  float.dispose();
}

async function resident() {
  await wait(500);
  return process.memoryUsage.rss() / MIB;
}

/** MiB that each of `count` workers adds. */
async function perWorker(count, file) {
  const before = await resident();
  const workers = [];
  for (let i = 0; i < count; i++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { file } });
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    workers.push(worker);
  }
  const added = ((await resident()) - before) / count;
  await Promise.all(workers.map((worker) => worker.terminate()));
  return added;
}

async function main() {
  const count = Number(process.argv[2] ?? 4);
  const folder = mkdtempSync(path.join(tmpdir(), 'requant-workers-'));
  const file = path.join(folder, 'model.safetensors');
  try {
    await new Promise((resolve, reject) => {
      // In a thread of its own: what training memory it took is gone with it.
      new Worker(new URL(import.meta.url), { workerData: { save: file } })
        .once('exit', resolve)
        .once('error', reject);
    });
    const model = await loadAndRun(file);
    const empty = await perWorker(count, null);
    const loaded = await perWorker(count, file);
    const show = (mib) => `${mib.toFixed(1)} MiB`;
    console.log(`int8 weights: ${show((LAYERS * WIDTH * WIDTH) / MIB)}, loaded by the main thread`);
    console.log(`a worker thread without the model: ${show(empty)}; with it: ${show(loaded)}`);
    model.dispose();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (isMainThread) await main();
else if (workerData.save) await save(workerData.save);
else {
  if (workerData.file) globalThis.model = await loadAndRun(workerData.file); // as a server keeps it
  parentPort.postMessage('ready');
  setInterval(() => {}, 1000);
}
