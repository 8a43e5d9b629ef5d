// npm run bench: parses, runs each model in a process of its own, prints a table, writes what was asked for.
import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compare, differences } from './compare.mjs';
import { ensurePackages } from './install.mjs';
import { int4Shapes, int4Table, kernelShapes, kernelTable } from './kernels.mjs';
import { describeMachine } from './machine.mjs';
import { HELP, isUsageError, parseOptions } from './options.mjs';
import { plot } from './plot.mjs';
import { ProgressLine } from './progress.mjs';
import { tableOf } from './table.mjs';

/** They have one thread in Node, so a pass with more would tell nothing new. */
const SINGLE_THREADED = ['tfjs', 'js'];
const CHILD = fileURLToPath(new URL('measure.mjs', import.meta.url));

/** Cells of one model with one number of threads, as they come. */
function runJob(job, { onCell, onStart }) {
  return new Promise((resolve, reject) => {
    const child = fork(CHILD, [], { env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' } });
    let failure;
    child.on('message', (message) => {
      if (message.cell) onCell(message.cell);
      else if (message.starts) onStart(message.starts);
      else failure = message.error;
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${job.model.name}: ${failure ?? `the process ended with ${signal ?? code}`}`));
    });
    child.send(job);
  });
}

async function measureAll({ models, threads, peers, quick }) {
  const jobs = threads.flatMap((n) => models.map((model) => ({ model, threads: n, quick })));
  const total = jobs.reduce((sum, { model }) => sum + model.batches.length, 0);
  const table = tableOf(peers);
  const progress = new ProgressLine();
  const cells = [];
  console.log(table.header);
  for (const job of jobs) {
    const jobPeers = peers.filter((peer) => job.threads === 1 || !SINGLE_THREADED.includes(peer));
    await runJob(
      { ...job, peers: jobPeers },
      {
        onStart: (batch) =>
          progress.show(
            `${cells.length + 1}/${total}  ${job.model.name}, batch ${batch}, ${job.threads} thread(s)`,
          ),
        onCell: (cell) => {
          cells.push(cell);
          progress.clear();
          console.log(table.row(cell));
        },
      },
    );
  }
  return cells;
}

function reportComparison(file, before, after) {
  console.log(`\nCompared with ${file} (commit ${before.commit}, ${before.date}):`);
  for (const text of differences(before, after)) console.error(`not the same conditions: ${text}`);
  const entries = compare(before, after);
  const changed = entries.filter(({ verdict }) => verdict !== 'same');
  for (const { cell, name, by, change, verdict } of changed) {
    const percent = `${change > 0 ? '+' : ''}${(100 * change).toFixed(0)} %`;
    console.log(`  ${verdict}  ${name}, ${cell}: ${percent} by ${by}`);
  }
  console.log(`  ${changed.length} changed beyond their spread, ${entries.length - changed.length} did not`);
  return changed.some(({ verdict }) => verdict === 'slower');
}

async function main() {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  // Read before the long part, so that a wrong path is known at once.
  const before = options.compare && JSON.parse(readFileSync(options.compare, 'utf8'));
  if (options.plot || options.peers.includes('ort') || options.peers.includes('tfjs')) ensurePackages();
  const machine = describeMachine(options);
  const quota = machine.cpuQuota === null ? 'no CPU quota' : `a quota of ${machine.cpuQuota} CPUs`;
  console.log(
    `${machine.cpu}, ${machine.availableParallelism} CPUs, ${quota}; kernel ${machine.kernel}; Node ${machine.node}; commit ${machine.commit}`,
  );
  if (options.quick) console.log('--quick: the figures mean nothing');

  const cells = await measureAll(options);
  const kernelResults = options.kernels ? kernelShapes(options) : undefined;
  if (kernelResults) console.log(`\n${kernelTable(kernelResults)}`);
  const int4Results = options.kernels ? int4Shapes(options) : undefined;
  if (int4Results) console.log(`\n${int4Table(int4Results)}`);
  const results = {
    ...machine,
    quick: options.quick,
    cells,
    ...(kernelResults && { kernels: kernelResults }),
    ...(int4Results && { int4: int4Results }),
  };
  if (options.json) writeFileSync(options.json, `${JSON.stringify(results, null, 1)}\n`);
  if (options.plot) await plot(options.plot, results);
  if (before && reportComparison(options.compare, before, results)) process.exitCode = 1;
}

main().catch((error) => {
  console.error(isUsageError(error) ? `${error.message}\n\n${HELP}` : (error.stack ?? error));
  process.exitCode = isUsageError(error) ? 2 : 1;
});
