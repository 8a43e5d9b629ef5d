// What asynchronous runs do to the event loop: node scripts/event-loop.mjs [seconds, default 10]. Needs a build.
//   delay   of the event loop while eight inferences of 50 ms are in flight (goal: 99th percentile ≤ 2 ms), beside that of
//           an idle loop: monitorEventLoopDelay({ resolution: 1 }), less its interval. Of a deep model (24 layers of 1024,
//           some 300 rows: 1 MiB in and out) and a shallow one (3 layers, 2,700 rows: 11 MiB in and out, which are copied
//           on the event loop)
//   cancel  from an abort in the middle of a long run until the thread that did it has done a run of one row
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { calibrate, linear, MLP, quantize, relu } from 'requant';

const WIDTH = 1024;
const DEPTHS = [24, 3];
const IN_FLIGHT = 8;
const RUN_MS = 50;
const GOAL_MS = 2;
const INTERVAL_MS = 1;
const seconds = Number(process.argv[2] ?? 10);

/** One thread a run, so that as many runs as there are threads go on at a time. */
async function modelOf(depth) {
  const layers = Array.from({ length: depth }, () => [
    linear({ inFeatures: WIDTH, outFeatures: WIDTH }),
    relu(),
  ]).flat();
  const float = new MLP(layers);
  const ranges = await calibrate(float, new Float32Array(8 * WIDTH).map(Math.sin));
  return quantize(float, ranges, { threads: 1 });
}

function timeOf(model, input) {
  const output = new Float32Array(input.length);
  const start = performance.now();
  model.runSync(input, output);
  return performance.now() - start;
}

/** As many rows as take RUN_MS. */
function rowsFor(model) {
  const trial = new Float32Array(256 * WIDTH);
  timeOf(model, trial);
  const rows = Math.round((RUN_MS / timeOf(model, trial)) * 256);
  return new Float32Array(rows * WIDTH).map((_, i) => ((i * 7919) % 2000) / 1000 - 1);
}

async function delayDuring(work) {
  const histogram = monitorEventLoopDelay({ resolution: INTERVAL_MS });
  histogram.enable();
  await work();
  histogram.disable();
  const ms = (percentile) => Math.max(histogram.percentile(percentile) / 1e6 - INTERVAL_MS, 0);
  return { p50: ms(50), p99: ms(99), max: histogram.max / 1e6 - INTERVAL_MS };
}

const show = ({ p50, p99, max }) => `p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)}, max ${max.toFixed(2)} ms`;

async function keepRunning(model, input, output, end) {
  let runs = 0;
  for (; performance.now() < end; runs++) await model.run(input, { output });
  return runs;
}

async function delayOf(model, input) {
  const outputs = Array.from({ length: IN_FLIGHT }, () => new Float32Array(input.length));
  let runs = 0;
  const busy = await delayDuring(async () => {
    const end = performance.now() + seconds * 1000;
    const counts = await Promise.all(outputs.map((output) => keepRunning(model, input, output, end)));
    runs = counts.reduce((sum, count) => sum + count);
  });
  const goal = `goal p99 ≤ ${GOAL_MS}: ${busy.p99 <= GOAL_MS ? 'met' : 'missed'}`;
  console.log(`event loop delay, ${IN_FLIGHT} in flight, ${runs} runs: ${show(busy)} (${goal})`);
}

async function cancelOf(model, input) {
  const one = new Float32Array(WIDTH);
  const times = [];
  for (let i = 0; i < 20; i++) {
    const controllers = Array.from({ length: IN_FLIGHT }, () => new AbortController());
    const ended = Promise.allSettled(controllers.map(({ signal }) => model.run(input, { signal })));
    await wait(RUN_MS / 2);
    const start = performance.now();
    for (const controller of controllers) controller.abort();
    await model.run(one);
    times.push(performance.now() - start);
    await ended;
  }
  times.sort((a, b) => a - b);
  console.log(
    `from an abort of ${IN_FLIGHT} runs to the end of the next one: median ${times[10].toFixed(2)}, max ${times[19].toFixed(2)} ms`,
  );
}

console.log(`event loop delay, idle: ${show(await delayDuring(() => wait(seconds * 1000)))}`);
for (const depth of DEPTHS) {
  const model = await modelOf(depth);
  const input = rowsFor(model);
  const ms = timeOf(model, input).toFixed(1);
  console.log(`\n${depth} layers of ${WIDTH}, ${input.length / WIDTH} rows a run: ${ms} ms alone`);
  await delayOf(model, input);
  await cancelOf(model, input);
  model.dispose();
}
