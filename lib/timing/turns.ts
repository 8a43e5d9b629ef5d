import { setImmediate as macrotask, setTimeout as sleep } from 'node:timers/promises';
import { median } from './statistics';

/**
 * Contenders take turns (A B C, C B A, …), so that all see the same machine. A turn is a short burst of calls after an
 * untimed one: that is how a server runs a model, and the weights of the others have left the caches by then.
 */
export interface Contender {
  readonly name: string;
  readonly isAsync: boolean;
  call(): unknown;
}

/** How long to measure. As many turns as fit into `cellMs`, within the two bounds. */
export interface Effort {
  readonly minTurns: number;
  readonly maxTurns: number;
  readonly burstMs: number;
  readonly warmUpMs: number;
  readonly cellMs: number;
  /** Turns of contenders whose call takes longer than SLOW_MS. */
  readonly slowTurns: number;
}

export interface TurnOptions {
  /** Threads that spin may be left behind by a call. */
  readonly spins?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onTurn?: (done: number, total: number) => void;
}

/** Milliseconds a call: all samples, and the median of each turn (undefined where the contender sat out). */
export interface Timed<C extends Contender> {
  readonly contender: C;
  readonly samples: readonly number[];
  readonly bursts: readonly (number | undefined)[];
}

/** Shorter calls are repeated within a sample, to drown the clock's own ~50 ns. */
const MIN_SAMPLE_MS = 0.01;
/** A contender whose call takes longer sits out most turns. */
const SLOW_MS = 100;
/** onnxruntime's idle threads spin for tens of milliseconds after a run; nobody else may be timed meanwhile. */
const MAX_SETTLE_MS = 200;
const IDLE_SHARE = 0.3;

interface Entry<C extends Contender> {
  readonly contender: C;
  readonly callMs: number;
  readonly repeats: number;
  readonly samples: number[];
  readonly bursts: (number | undefined)[];
}

/** Errors: `signal.reason`. */
export async function takeTurns<C extends Contender>(
  contenders: readonly C[],
  effort: Effort,
  { spins = false, signal, onTurn }: TurnOptions = {},
): Promise<Timed<C>[]> {
  const entries: Entry<C>[] = [];
  for (const contender of contenders) {
    await letSignalsIn(signal);
    const callMs = await warmUp(contender, effort.warmUpMs);
    const repeats = Math.max(1, Math.ceil(MIN_SAMPLE_MS / callMs));
    entries.push({ contender, callMs, repeats, samples: [], bursts: [] });
    if (spins) await settle();
  }
  const turns = turnsOf(entries, effort);
  const slowEvery = Math.ceil(turns / effort.slowTurns);
  for (let turn = 0; turn < turns; turn++) {
    for (const entry of turn % 2 === 0 ? entries : entries.toReversed()) {
      await letSignalsIn(signal);
      const sitsOut = isSlow(entry) && turn % slowEvery !== 0;
      entry.bursts.push(sitsOut ? undefined : await burst(entry, effort.burstMs));
      if (spins && !sitsOut) await settle();
    }
    onTurn?.(turn + 1, turns);
  }
  return entries.map(({ contender, samples, bursts }) => ({ contender, samples, bursts }));
}

function isSlow({ callMs }: { callMs: number }): boolean {
  return callMs > SLOW_MS;
}

function turnsOf(entries: readonly { callMs: number }[], effort: Effort): number {
  const { burstMs, cellMs, minTurns, maxTurns } = effort;
  const fast = entries.filter((entry) => !isSlow(entry));
  const turnMs = fast.reduce((sum, { callMs }) => sum + Math.max(callMs, burstMs), 0);
  return Math.round(Math.min(Math.max(cellMs / (turnMs || SLOW_MS), minTurns), maxTurns));
}

/** Synchronous calls would keep Ctrl-C waiting until the end. */
async function letSignalsIn(signal: AbortSignal | undefined): Promise<void> {
  await macrotask();
  signal?.throwIfAborted();
}

/** Lets the engine compile and the pages be touched; the fastest call says how long one takes. */
async function warmUp(contender: Contender, warmUpMs: number): Promise<number> {
  const end = performance.now() + warmUpMs;
  let callMs = Number.POSITIVE_INFINITY;
  do callMs = Math.min(callMs, await sample(contender, 1));
  while (performance.now() < end);
  return callMs;
}

async function burst<C extends Contender>(entry: Entry<C>, burstMs: number): Promise<number> {
  const { contender, callMs, repeats, samples } = entry;
  if (callMs < burstMs) await contender.call();
  const first = samples.length;
  const end = performance.now() + burstMs;
  do samples.push(await sample(contender, repeats));
  while (performance.now() < end);
  return median(samples.slice(first))!;
}

/** Milliseconds of a call, the mean of `repeats` of them. */
async function sample(contender: Contender, repeats: number): Promise<number> {
  const start = performance.now();
  if (contender.isAsync) for (let i = 0; i < repeats; i++) await contender.call();
  else for (let i = 0; i < repeats; i++) contender.call();
  return (performance.now() - start) / repeats;
}

/** Waits until the threads of this process have gone to sleep. */
async function settle(): Promise<void> {
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
