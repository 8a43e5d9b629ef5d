// npm run bench:training: rows per second of float32 and integer training beside TensorFlow.js, in turn, on MNIST rows.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ensurePackages } from '../install.mjs';
import { macsOfRow, NETS } from './nets.mjs';

const HELP = `npm run bench:training -- [options]

Trains the same nets from the same weights on the same rows; before anything is timed, the losses of two steps must agree.
A turn of each contender in order (A B C, then backwards …); medians. bench/README.md says more.

  --net mnist-wide    these nets (${NETS.map(({ name }) => name).join(', ')}; default: all)
  --batch 128         in place of each net's own
  --optimizer adam    sgd or adam (default: both)
  --threads 1         of requant (default: 1; TensorFlow.js has one in Node)
  --turns 5           turns of each (default: 5)
  --seconds 2         the least length of a turn (at least one batch)
  --no-tfjs           only our own
  --json FILE         write the results
  --help
`;

const text = { type: 'string' };
const { values } = parseArgs({
  allowNegative: true,
  options: {
    net: text,
    batch: text,
    optimizer: text,
    threads: { ...text, default: '1' },
    turns: { ...text, default: '5' },
    seconds: { ...text, default: '2' },
    tfjs: { type: 'boolean', default: true },
    json: text,
    help: { type: 'boolean' },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

// Read when the addon is loaded.
process.env.REQUANT_THREADS = values.threads;
if (values.tfjs) ensurePackages();
const { describeMachine } = await import('../machine.mjs');
const { between, instructionPeak } = await import('../peak.mjs');
const { quantile, sorted } = await import('../requant.mjs');
const { floatTraining, integerTraining } = await import('./own.mjs');
const { mnist } = await import('../../examples/mnist/mnist.mjs');

const PEAK_MS = 20;
const TOLERANCE = 1e-4;
const data = mnist('train');
const bytes = new Uint8Array(data.inputs.length);
for (let i = 0; i < bytes.length; i++) bytes[i] = Math.round(data.inputs[i] * 255);
const rowsOf = (count) => ({
  inputs: data.inputs.subarray(0, count * 784),
  bytes: bytes.subarray(0, count * 784),
  targets: data.targets.subarray(0, count),
});

async function contendersOf(job) {
  const own = [floatTraining(job), integerTraining(job)].filter((one) => one !== undefined);
  if (!values.tfjs) return own;
  const { BACKENDS, tfjsTraining } = await import('./tfjs.mjs');
  const theirs = [];
  for (const backend of BACKENDS) theirs.push(await tfjsTraining(job, backend));
  return [...own, ...theirs];
}

/** Nobody is timed who computes something else. */
async function checkLosses(contenders, batch) {
  const [reference, ...others] = contenders.filter(({ losses }) => losses !== undefined);
  const wanted = await reference.losses(rowsOf(batch));
  for (const { name, losses } of others) {
    const found = await losses(rowsOf(batch));
    if (!found.every((loss, i) => Math.abs(loss - wanted[i]) <= TOLERANCE * wanted[i]))
      throw new Error(`${name}: losses ${found} where ${reference.name} has ${wanted}`);
  }
}

/** Seconds by the clock, and of CPU time: where others use the machine, the second tells more. */
async function timed(work) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, cpuSeconds: (user + system) / 1e6 };
}

/** Rows and epochs that take at least a turn: doubled until they do, so that a setup is no large part of it. */
async function turnOf({ run }, batch) {
  const most = batch * Math.floor(data.targets.length / batch);
  let [rows, epochs] = [batch, 1];
  for (;;) {
    const { seconds } = await timed(() => run(rowsOf(rows), epochs));
    if (seconds >= Number(values.seconds)) return { rows, epochs };
    if (rows < most) rows = Math.min(2 * rows, most);
    else epochs *= 2;
  }
}

async function measure(job) {
  const { batch, widths } = job;
  const contenders = await contendersOf(job);
  await checkLosses(contenders, batch);
  const entries = [];
  for (const contender of contenders)
    entries.push({ contender, ...(await turnOf(contender, batch)), turns: [] });
  for (let turn = 0; turn < Number(values.turns); turn++) {
    for (const entry of turn % 2 === 0 ? entries : entries.toReversed()) {
      const before = instructionPeak(PEAK_MS);
      const { contender, rows, epochs, turns } = entry;
      const { seconds, cpuSeconds } = await timed(() => contender.run(rowsOf(rows), epochs));
      const peak = between(before, instructionPeak(PEAK_MS));
      turns.push({ speed: (rows * epochs) / seconds, cpuSpeed: (rows * epochs) / cpuSeconds, peak });
    }
  }
  for (const { contender } of entries) contender.dispose();
  return {
    ...job,
    macsOfRow: macsOfRow(widths),
    contenders: Object.fromEntries(entries.map((entry) => [entry.contender.name, described(entry, widths)])),
  };
}

function described({ rows, epochs, turns, contender }, widths) {
  const speeds = sorted(turns.map(({ speed }) => speed));
  const macs = macsOfRow(widths);
  const kind = contender.name === 'integer' ? 'int8' : 'float32';
  /** Of one core: CPU time adds up over threads. */
  const share = (speedOf) =>
    quantile(sorted(turns.map((turn) => (100 * macs * speedOf(turn)) / turn.peak[kind])), 0.5);
  return {
    rowsPerTurn: rows * epochs,
    rowsPerSecond: quantile(speeds, 0.5),
    rowsPerCpuSecond: quantile(sorted(turns.map(({ cpuSpeed }) => cpuSpeed)), 0.5),
    q1: quantile(speeds, 0.25),
    q3: quantile(speeds, 0.75),
    gmacs: (quantile(speeds, 0.5) * macs) / 1e9,
    ...(turns[0].peak && {
      percentOfPeak: share(({ speed }) => speed / Number(values.threads)),
      percentOfPeakByCpuTime: share(({ cpuSpeed }) => cpuSpeed),
    }),
  };
}

function ratiosOf({ contenders }) {
  const { float32, integer } = contenders;
  const theirs = Object.entries(contenders).filter(([name]) => name.startsWith('tfjs'));
  const best = theirs.sort(([, a], [, b]) => b.rowsPerSecond - a.rowsPerSecond)[0];
  const over = (one, other, speed = 'rowsPerSecond') => one && other && one[speed] / other[speed];
  return {
    tfjsBackend: best?.[0],
    floatVsTfjs: over(float32, best?.[1]),
    integerVsTfjs: over(integer, best?.[1]),
    integerVsFloat: over(integer, float32),
    floatVsTfjsByCpuTime: over(float32, best?.[1], 'rowsPerCpuSecond'),
    integerVsTfjsByCpuTime: over(integer, best?.[1], 'rowsPerCpuSecond'),
    integerVsFloatByCpuTime: over(integer, float32, 'rowsPerCpuSecond'),
  };
}

const whole = (value) => Math.round(value).toLocaleString('en-US');
function print({ net, batch, optimizer, contenders, ratios }) {
  console.log(`\n${net}, batch ${batch}, ${optimizer}`);
  for (const [name, { rowsPerSecond, q1, q3, gmacs, ...shares }] of Object.entries(contenders)) {
    const share =
      shares.percentOfPeak === undefined || name.startsWith('tfjs')
        ? ''
        : `  ${shares.percentOfPeak.toFixed(0)} % of the peak, ${shares.percentOfPeakByCpuTime.toFixed(0)} % by CPU time`;
    console.log(
      `  ${name.padEnd(10)} ${whole(rowsPerSecond).padStart(9)} rows/s (${whole(q1)} … ${whole(q3)})  ${gmacs.toFixed(1)} GMAC/s${share}`,
    );
  }
  const said = Object.entries(ratios).filter(([, ratio]) => typeof ratio === 'number');
  if (said.length > 0)
    console.log(`  ${said.map(([name, ratio]) => `${name} ${ratio.toFixed(1)}×`).join(', ')}`);
}

const list = (given, all) => given?.split(',') ?? all;
const nets = list(
  values.net,
  NETS.map(({ name }) => name),
).map(
  (name) => NETS.find((net) => net.name === name) ?? fail(`a net of ${NETS.map((net) => net.name)}`, name),
);
function fail(wanted, received) {
  console.error(`bench: expected ${wanted} but received ${received}`);
  process.exit(2);
}

const cells = [];
for (const { name, widths, batches } of nets) {
  for (const batch of list(values.batch, batches).map(Number)) {
    for (const optimizer of list(values.optimizer, ['sgd', 'adam'])) {
      const cell = await measure({ net: name, widths, batch, optimizer });
      cells.push({ ...cell, ratios: ratiosOf(cell) });
      print(cells.at(-1));
    }
  }
}
if (values.json !== undefined) {
  const machine = describeMachine({ peers: values.tfjs ? ['tfjs'] : [] });
  writeFileSync(
    values.json,
    `${JSON.stringify({ machine, threads: Number(values.threads), cells }, null, 2)}\n`,
  );
}
