// node bench/serving.mjs: what MicroBatcher brings to callers that come one row at a time. Needs a build.
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.mjs';
import { MODELS, rowsOf } from './models.mjs';
import { MicroBatcher, quantile, ratioSpread, sorted } from './requant.mjs';
import { makeSubject } from './subject.mjs';

const HELP = `node bench/serving.mjs [options]

Callers that each wait for their answer before they ask again, one row a call: \`model.run\` against \`MicroBatcher.run\`, in
turn (A B, B A, …), after an untimed turn of each. Every answer is compared with the row alone before anything is timed.

  --model C            models (${MODELS.map(({ name }) => name).join(', ')}; default: C)
  --concurrency 1,8    callers at the same time (default: 1,8,64,256)
  --turns 11           turns of each
  --ms 300             length of a turn
  --max-batch 128      the batcher's options, at their own defaults where not given
  --max-delay 2
  --max-running 2
  --max-block 0.1
  --json FILE          write the results
  --help
`;

const text = { type: 'string' };
const { values } = parseArgs({
  options: {
    model: text,
    concurrency: text,
    turns: text,
    ms: text,
    'max-batch': text,
    'max-delay': text,
    'max-running': text,
    'max-block': text,
    json: text,
    help: { type: 'boolean' },
  },
});
const numbers = (list) => list.split(',').map(Number);
const settings = {
  models: (values.model ?? 'C').split(','),
  concurrency: numbers(values.concurrency ?? '1,8,64,256'),
  turns: Number(values.turns ?? 11),
  ms: Number(values.ms ?? 300),
};
const batcherOptions = Object.fromEntries(
  [
    ['maxBatch', 'max-batch'],
    ['maxDelayMs', 'max-delay'],
    ['maxRunning', 'max-running'],
    ['maxBlockMs', 'max-block'],
  ].flatMap(([name, option]) => (values[option] === undefined ? [] : [[name, Number(values[option])]])),
);

const ROWS = 256;

/** `concurrency` callers for `ms`; calls a second, CPU time a call (of all threads), and how long each took. */
async function load(run, rows, concurrency, ms) {
  const latencies = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  const end = start + ms;
  async function caller(number) {
    for (let i = number; ; i += concurrency) {
      const from = performance.now();
      if (from >= end) return;
      await run(rows[i % rows.length]);
      latencies.push(performance.now() - from);
    }
  }
  await Promise.all(Array.from({ length: concurrency }, (_, number) => caller(number)));
  const perSecond = (1000 * latencies.length) / (performance.now() - start);
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond, cpuMicros: (user + system) / latencies.length, latencies };
}

/** Nothing is timed where an answer differs in one bit. */
async function check(contenders, rows, model) {
  const expected = rows.map((row) => Buffer.from(model.runSync(row).buffer));
  for (const { name, run } of contenders) {
    const answers = await Promise.all(rows.map(run));
    if (answers.some((answer, i) => !expected[i].equals(Buffer.from(answer.buffer))))
      throw new Error(`${name}: expected the bits of the row alone`);
  }
}

async function measure(contenders, rows, concurrency) {
  const results = contenders.map(({ name }) => ({ name, perSecond: [], cpuMicros: [], latencies: [] }));
  for (let turn = -1; turn < settings.turns; turn++) {
    const order = contenders.map((_, i) => i);
    for (const i of turn % 2 === 0 ? order : order.reverse()) {
      const { perSecond, cpuMicros, latencies } = await load(
        contenders[i].run,
        rows,
        concurrency,
        settings.ms,
      );
      await sleep(20);
      if (turn < 0) continue;
      results[i].perSecond.push(perSecond);
      results[i].cpuMicros.push(cpuMicros);
      for (const latency of latencies) results[i].latencies.push(1000 * latency);
    }
  }
  return results.map(({ name, perSecond, cpuMicros, latencies }) => {
    const [rates, times] = [sorted(perSecond), sorted(latencies)];
    return {
      name,
      perSecond,
      median: quantile(rates, 0.5),
      cpu: quantile(sorted(cpuMicros), 0.5),
      p50: quantile(times, 0.5),
      p99: quantile(times, 0.99),
    };
  });
}

const COLUMNS = [
  'model',
  'callers',
  'run/s',
  'batcher/s',
  '× (quartiles)',
  'rows a batch',
  'CPU µs a row: run, batcher',
  'run p50, p99 µs',
  'batcher p50, p99 µs',
];
const line = (cells) => `| ${cells.join(' | ')} |`;
const times = ({ p50, p99 }) => `${p50.toFixed(0)}, ${p99.toFixed(0)}`;

async function main() {
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const machine = describeMachine({ peers: [] });
  console.log(
    `${machine.cpu}, ${machine.availableParallelism} CPUs; kernel ${machine.kernel}; Node ${machine.node}; commit ${machine.commit}`,
  );
  console.log(`${line(COLUMNS)}\n${line(COLUMNS.map((_, i) => (i === 0 ? ':--' : '--:')))}`);
  const cells = [];
  for (const name of settings.models) {
    const description = MODELS.find((model) => model.name === name);
    if (description === undefined)
      throw new Error(`expected --model out of ${MODELS.map((m) => m.name)} but received '${name}'`);
    const { int8: model } = await makeSubject({ ...description, batches: [ROWS] });
    const all = rowsOf(ROWS, model.inFeatures, 3);
    const rows = Array.from({ length: ROWS }, (_, i) =>
      all.slice(i * model.inFeatures, (i + 1) * model.inFeatures),
    );
    const batcher = new MicroBatcher(model, batcherOptions);
    const contenders = [
      { name: 'run', run: (row) => model.run(row) },
      { name: 'batcher', run: (row) => batcher.run(row) },
    ];
    await check(contenders, rows, model);
    for (const concurrency of settings.concurrency) {
      const before = batcher.stats;
      const [alone, merged] = await measure(contenders, rows, concurrency);
      const { rows: rowCount, batches } = batcher.stats;
      const meanBatch = (rowCount - before.rows) / (batches - before.batches);
      const ratio = ratioSpread(merged.perSecond, alone.perSecond);
      cells.push({ model: name, concurrency, alone, merged, ratio, meanBatch });
      console.log(
        line([
          name,
          concurrency,
          alone.median.toFixed(0),
          merged.median.toFixed(0),
          `${ratio.median.toFixed(2)} (${ratio.q1.toFixed(2)}–${ratio.q3.toFixed(2)})`,
          meanBatch.toFixed(1),
          `${alone.cpu.toFixed(1)}, ${merged.cpu.toFixed(1)}`,
          times(alone),
          times(merged),
        ]),
      );
    }
    await batcher.close();
    model.dispose();
  }
  if (values.json)
    writeFileSync(
      values.json,
      `${JSON.stringify({ ...machine, settings, batcherOptions, cells }, null, 1)}\n`,
    );
}

main().catch((error) => {
  console.error(error.stack ?? error);
  process.exitCode = 1;
});
