// What asynchronous runs do to the event loop: node scripts/event-loop.mjs [seconds, default 10]. Needs a build.
//   delay   of the event loop while eight inferences of 50 ms are in flight (goal: 99th percentile ≤ 2 ms), beside that of
//           an idle loop: monitorEventLoopDelay({ resolution: 1 }), less its interval
//   cancel  from an abort in the middle of a long run until the thread that did it has done a run of one row
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { calibrate, linear, MLP, quantize, relu } from 'requant';

const WIDTH = 1024;
const IN_FLIGHT = 8;
const RUN_MS = 50;
const GOAL_MS = 2;
const INTERVAL_MS = 1;
const seconds = Number(process.argv[2] ?? 10);

const layers = [0, 1, 2].flatMap((i) => {
  const layer = linear({ inFeatures: WIDTH, outFeatures: WIDTH });
  return i < 2 ? [layer, relu()] : [layer];
});
const float = new MLP(layers);
const ranges = await calibrate(float, new Float32Array(8 * WIDTH).map(Math.sin));
/** One thread a run, so that as many runs as there are threads go on at a time. */
const model = quantize(float, ranges, { threads: 1 });

function timeOf(rows) {
  const input = new Float32Array(rows * WIDTH);
  const output = new Float32Array(rows * WIDTH);
  const start = performance.now();
  model.runSync(input, output);
  return performance.now() - start;
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

timeOf(256);
const rows = Math.round((RUN_MS / timeOf(1024)) * 1024);
const input = new Float32Array(rows * WIDTH).map((_, i) => ((i * 7919) % 2000) / 1000 - 1);
const output = Array.from({ length: IN_FLIGHT }, () => new Float32Array(rows * WIDTH));

let runs = 0;
async function keepRunning(slot, end) {
  while (performance.now() < end) {
    await model.run(input, { output: output[slot] });
    runs++;
  }
}

const idle = await delayDuring(() => wait(seconds * 1000));
const busy = await delayDuring(async () => {
  const end = performance.now() + seconds * 1000;
  await Promise.all(output.map((_, slot) => keepRunning(slot, end)));
});
console.log(`${rows} rows of 1024-1024-1024-1024 a run: ${timeOf(rows).toFixed(1)} ms alone`);
console.log(`event loop delay, idle:  ${show(idle)}`);
console.log(
  `event loop delay, ${IN_FLIGHT} in flight, ${runs} runs: ${show(busy)} (goal p99 ≤ ${GOAL_MS}: ${busy.p99 <= GOAL_MS ? 'met' : 'missed'})`,
);

const cancels = [];
const one = new Float32Array(WIDTH);
for (let i = 0; i < 20; i++) {
  const controllers = output.map(() => new AbortController());
  const ended = Promise.allSettled(controllers.map(({ signal }) => model.run(input, { signal })));
  await wait(RUN_MS / 2);
  const start = performance.now();
  for (const controller of controllers) controller.abort();
  await model.run(one);
  cancels.push(performance.now() - start);
  await ended;
}
cancels.sort((a, b) => a - b);
console.log(
  `from an abort of ${IN_FLIGHT} runs to the end of the next one: median ${cancels[10].toFixed(2)}, max ${cancels[19].toFixed(2)} ms`,
);
