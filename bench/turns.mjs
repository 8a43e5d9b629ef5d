// Contenders take turns (A B C, C B A, …), so that all see the same machine. A turn is a short burst of calls after an
// untimed one: that is how a server runs a model, and the weights of the others have left the caches by then.
import { median } from './statistics.mjs';

export const NORMAL = { minTurns: 11, maxTurns: 31, burstMs: 2, warmUpMs: 60, cellMs: 2500, slowTurns: 3 };
export const QUICK = { minTurns: 3, maxTurns: 3, burstMs: 0.5, warmUpMs: 5, cellMs: 0, slowTurns: 1 };

/** Shorter calls are repeated within a sample, to drown the clock's own ~50 ns. */
const MIN_SAMPLE_MS = 0.01;
/** A contender whose call takes longer sits out most turns. */
const SLOW_MS = 100;
/** onnxruntime's idle threads spin for tens of milliseconds after a run; nobody else may be timed meanwhile. */
const MAX_SETTLE_MS = 200;
const IDLE_SHARE = 0.3;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until the threads of this process have gone to sleep. */
async function settle() {
  const end = performance.now() + MAX_SETTLE_MS;
  let idle = 0;
  while (idle < 2 && performance.now() < end) {
    const start = performance.now();
    const before = process.cpuUsage();
    await sleep(2);
    const { user, system } = process.cpuUsage(before);
    const share = (user + system) / 1000 / (performance.now() - start);
    idle = share < IDLE_SHARE ? idle + 1 : 0;
  }
}

/** One sample: milliseconds of a call, the mean of `repeats` of them. */
async function sample({ call, isAsync }, repeats) {
  const start = performance.now();
  if (isAsync) for (let i = 0; i < repeats; i++) await call();
  else for (let i = 0; i < repeats; i++) call();
  return (performance.now() - start) / repeats;
}

/** Lets the engine compile and the pages be touched; the fastest call says how long one takes. */
async function warmUp(contender, warmUpMs) {
  const end = performance.now() + warmUpMs;
  let callMs = Number.POSITIVE_INFINITY;
  do callMs = Math.min(callMs, await sample(contender, 1));
  while (performance.now() < end);
  return callMs;
}

async function burst(entry, burstMs) {
  const { contender, callMs, repeats, samples } = entry;
  if (callMs < burstMs) await contender.call();
  const first = samples.length;
  const end = performance.now() + burstMs;
  do samples.push(await sample(contender, repeats));
  while (performance.now() < end);
  return median(samples.slice(first));
}

/**
 * Milliseconds of each contender: `samples`, and `bursts`, the median of each turn (undefined where it sat out).
 * `spins`: threads that spin may be left behind by a call.
 */
export async function takeTurns(contenders, effort, spins) {
  const entries = [];
  for (const contender of contenders) {
    const callMs = await warmUp(contender, effort.warmUpMs);
    const repeats = Math.max(1, Math.ceil(MIN_SAMPLE_MS / callMs));
    entries.push({ contender, callMs, repeats, samples: [], bursts: [] });
    if (spins) await settle();
  }
  const isSlow = ({ callMs }) => callMs > SLOW_MS;
  const turnMs = entries.reduce(
    (sum, entry) => sum + (isSlow(entry) ? 0 : Math.max(entry.callMs, effort.burstMs)),
    0,
  );
  const turns = Math.round(
    Math.min(Math.max(effort.cellMs / (turnMs || SLOW_MS), effort.minTurns), effort.maxTurns),
  );
  const slowEvery = Math.ceil(turns / effort.slowTurns);
  for (let turn = 0; turn < turns; turn++) {
    for (const entry of turn % 2 === 0 ? entries : entries.toReversed()) {
      const sitsOut = isSlow(entry) && turn % slowEvery !== 0;
      entry.bursts.push(sitsOut ? undefined : await burst(entry, effort.burstMs));
      if (spins && !sitsOut) await settle();
    }
  }
  return entries.map(({ contender, samples, bursts }) => ({ contender, samples, bursts }));
}
