// Long use of one process: node scripts/soak.mjs [--quick] (--help). Needs a build.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { calibrate, linear, MLP, QuantizedMLP, quantize, relu } from 'requant';
import { ProgressLine } from '../bench/progress.mjs';

const HELP = `usage: node scripts/soak.mjs [options]

Reloads models, runs inferences, ends worker threads and processes in the middle of runs, and looks at this process's
resident memory: it must not grow after the first tenth of a part (by less than 5 MiB or 5 %). Results must keep their
bits. Exits with 1 where something is wrong.

  --reloads N      models loaded, run and disposed of while another serves (1000)
  --inferences N   calls of runSync and run, of 1 to 512 rows, some aborted or timed out (10000000)
  --workers N      worker threads that load the same file and are terminated in the middle of runs (200)
  --exits N        child processes that call process.exit in the middle of runs (50)
  --quick          a hundredth of each, for CI: shows that nothing breaks, not that memory is flat`;

const MIB = 2 ** 20;
const ALLOWED_GROWTH = { bytes: 5 * MIB, share: 0.05 };
const SAMPLES = 100;
const LINES = 10;
const EXIT_CODE = 42;
const FEATURES = 128;
const BATCHES = [1, 7, 64, 512];

/** Without it the part of V8's heap for young objects alone grows by some 40 MiB in the first minute. */
const NODE_OPTION = '--max-semi-space-size=1';

const script = fileURLToPath(import.meta.url);
const rowsOf = (batch) => new Float32Array(batch * FEATURES).map((_, i) => Math.sin(i * 0.37));
const sameBits = (a, b) => Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer)) === 0;

async function saveModel(file, width) {
  const float = new MLP([
    linear({ inFeatures: FEATURES, outFeatures: width }),
    relu(),
    linear({ inFeatures: width, outFeatures: 10 }),
  ]);
  const model = quantize(float, await calibrate(float, rowsOf(64)));
  await model.save(file);
  model.dispose();
  float.dispose();
}

/** Runs until somebody ends it. */
async function runForEver(file, onBegin) {
  const model = await QuantizedMLP.load(file);
  const input = rowsOf(4096);
  for (let i = 0; ; i++) {
    const runs = [model.run(input), model.run(input)];
    if (i === 0) onBegin();
    model.runSync(input);
    await Promise.all(runs);
  }
}

/** A step of `infer` is so many calls. */
const CALLS_A_STEP = 1000;

/** Calls step(i) `count` times; the resident memory at every hundredth of them. */
async function sampled(name, count, step, unit = 1) {
  const progress = new ProgressLine();
  const samples = [];
  for (let i = 0; i < count; i++) {
    await step(i);
    const now = Math.floor(((i + 1) * SAMPLES) / count);
    if (now === samples.length) continue;
    while (samples.length < now) samples.push(process.memoryUsage.rss());
    progress.show(`${name}: ${now} %`);
    if (now % (SAMPLES / LINES) !== 0) continue;
    progress.clear();
    console.log(
      `${name.padEnd(12)} ${String((i + 1) * unit).padStart(9)}   RSS ${(samples.at(-1) / MIB).toFixed(1)} MiB`,
    );
  }
  return samples;
}

/** The most of the second tenth against the most of the last. */
function judge(name, samples, isFull) {
  const tenth = SAMPLES / 10;
  const before = Math.max(...samples.slice(tenth, 2 * tenth));
  const growth = Math.max(...samples.slice(-tenth)) - before;
  const isFlat = growth < Math.max(ALLOWED_GROWTH.bytes, ALLOWED_GROWTH.share * before);
  const verdict = isFlat ? 'flat' : isFull ? 'NOT FLAT' : 'not judged (--quick)';
  console.log(`${name}: ${verdict}, ${(growth / MIB).toFixed(1)} MiB of growth after the first tenth\n`);
  return isFlat || !isFull;
}

function expectBits(actual, expected, what) {
  if (!sameBits(actual, expected)) throw new Error(`expected the same bits ${what}`);
}

async function reload({ files, count }) {
  const input = rowsOf(64);
  const expected = [];
  for (const file of files) {
    const model = await QuantizedMLP.load(file);
    expected.push(model.runSync(input));
    model.dispose();
  }
  let serving = await QuantizedMLP.load(files[0]);
  const samples = await sampled('reloads', count, async (i) => {
    const pending = serving.run(input);
    const next = await QuantizedMLP.load(files[(i + 1) % files.length]);
    expectBits(next.runSync(input), expected[(i + 1) % files.length], 'from a model that was loaded again');
    serving.dispose(); // its run goes on
    expectBits(await pending, expected[i % files.length], 'from a model that is disposed of while it runs');
    serving = next;
  });
  serving.dispose();
  return samples;
}

/** A thousand calls a step: most of them as a server makes them. */
async function infer({ files, count }) {
  const model = await QuantizedMLP.load(files[0]);
  const inputs = BATCHES.map(rowsOf);
  const outputs = BATCHES.map((batch) => new Float32Array(batch * model.outFeatures));
  const expected = inputs.map((input) => model.runSync(input));
  const outcomes = { results: 0, aborted: 0, timeouts: 0 };
  const settle = async (promise, batch) => {
    try {
      expectBits(await promise, expected[batch], 'from run');
      outcomes.results++;
    } catch (error) {
      if (error.name === 'AbortError') outcomes.aborted++;
      else if (error.code === 'ERR_TIMEOUT') outcomes.timeouts++;
      else throw error;
    }
  };
  async function runStep(i) {
    for (let j = 0; j < 960; j++) model.runSync(inputs[0], outputs[0]);
    for (let j = 0; j < 24; j++) model.runSync(inputs[1], outputs[1]);
    for (let j = 0; j < 4; j++) outputs[2] = model.runSync(inputs[2]);
    for (const batch of [0, 1, 2]) expectBits(outputs[batch], expected[batch], 'from runSync');
    const abort = new AbortController();
    const runs = Array.from({ length: 12 }, (_, j) => {
      const batch = (i + j) % BATCHES.length;
      const options = j === 3 ? { signal: abort.signal } : j === 7 ? { timeout: 0 } : {};
      return settle(model.run(inputs[batch], options), batch);
    });
    if (i % 2 === 0) abort.abort();
    else setImmediate(() => abort.abort());
    await Promise.all(runs);
  }
  const samples = await sampled('inferences', Math.ceil(count / CALLS_A_STEP), runStep, CALLS_A_STEP);
  model.dispose();
  console.log(`inferences: of run ${JSON.stringify(outcomes)}`);
  return samples;
}

async function endWorkers({ files, count }) {
  const model = await QuantizedMLP.load(files[0]);
  const input = rowsOf(64);
  const expected = model.runSync(input);
  const samples = await sampled('workers', count, async (i) => {
    const worker = new Worker(script, { workerData: files[0] });
    await once(worker, 'message');
    await wait(i % 13);
    const pending = model.run(input);
    await worker.terminate();
    expectBits(await pending, expected, 'while a worker ends');
    expectBits(model.runSync(input), expected, 'after a worker has ended');
  });
  model.dispose();
  return samples;
}

async function endProcesses({ files, count }) {
  for (let i = 0; i < count; i++) {
    const child = spawn(process.execPath, [script, '--child', files[0], String(i % 13)], {
      stdio: 'inherit',
    });
    const [code, signal] = await once(child, 'exit');
    if (code !== EXIT_CODE) throw new Error(`expected exit code ${EXIT_CODE} but received ${signal ?? code}`);
  }
  console.log(`exits: ${count} processes ended in the middle of runs with the code they asked for`);
}

function count(values, name, standard) {
  const text = values[name];
  if (text === undefined) return Math.ceil(values.quick ? standard / 100 : standard);
  if (!/^[1-9]\d*$/.test(text))
    throw new Error(`expected a positive integer as --${name} but received '${text}'`);
  return Number(text);
}

async function main() {
  const text = { type: 'string' };
  const { values } = parseArgs({
    options: {
      reloads: text,
      inferences: text,
      workers: text,
      exits: text,
      quick: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(HELP);
    return true;
  }
  const counts = {
    reloads: count(values, 'reloads', 1000),
    inferences: count(values, 'inferences', 1e7),
    workers: count(values, 'workers', 200),
    exits: count(values, 'exits', 50),
  };
  const folder = mkdtempSync(path.join(tmpdir(), 'requant-soak-'));
  try {
    const files = ['a', 'b'].map((name) => path.join(folder, name));
    await saveModel(files[0], 512);
    await saveModel(files[1], 640);
    let isFlat = true;
    for (const [name, part] of Object.entries({ reloads: reload, inferences: infer, workers: endWorkers })) {
      const start = performance.now();
      const samples = await part({ files, count: counts[name] });
      console.log(`${name}: ${counts[name]} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
      isFlat = judge(name, samples, !values.quick) && isFlat;
    }
    await endProcesses({ files, count: counts.exits });
    return isFlat;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (!isMainThread) {
  await runForEver(workerData, () => parentPort.postMessage('running'));
} else if (process.argv[2] === '--child') {
  await runForEver(process.argv[3], () => setTimeout(() => process.exit(EXIT_CODE), Number(process.argv[4])));
} else if (!process.execArgv.includes(NODE_OPTION)) {
  const { status } = spawnSync(process.execPath, [NODE_OPTION, script, ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} else {
  const ok = await main().catch((error) => {
    console.error(error);
    return false;
  });
  process.exitCode = ok ? 0 : 1;
}
