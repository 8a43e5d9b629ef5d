// npm run load: the service under load, with requant and with onnxruntime-node in its place, in turn; then reloads and the
// end under load, where every request is accounted for.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import { load } from 'requant';
import { ensurePackages } from '../../../bench/install.mjs';
import { qdq } from '../../../bench/onnx-graphs.mjs';
import { makeModel, randomRows } from '../make-model.mjs';
import { startClients } from './clients.mjs';

const HELP = `npm run load -- [options]

  --widths 1024-1024-1024-1024   of the int8 model (random weights; ONNX: the same ones as QDQ)
  --body binary                  or json: how rows travel
  --connections 64               clients at the same time, one row a request
  --turns 5                      of each contender, in turn
  --seconds 2                    length of a turn
  --max-batch 64
  --ort-threads 2                intraOpNumThreads
  --no-ort                       only requant; installs nothing in bench/
  --help
`;
const text = (value) => ({ type: 'string', default: value });
const flag = { type: 'boolean', default: false };
const { values } = parseArgs({
  options: {
    widths: text('1024-1024-1024-1024'),
    body: text('binary'),
    connections: text('64'),
    turns: text('5'),
    seconds: text('2'),
    'max-batch': text('64'),
    'ort-threads': text('2'),
    'no-ort': flag,
    help: flag,
  },
});
const widths = values.widths.split('-').map(Number);
const [inFeatures, outFeatures] = [widths[0], widths.at(-1)];
const connections = Number(values.connections);
const asJson = values.body === 'json';
const row = randomRows(1, inFeatures);
const json = JSON.stringify({ rows: [[...row]] });
const bytes = Buffer.from(row.buffer);
const folder = mkdtempSync(path.join(tmpdir(), 'requant-load-'));
const file = (name) => path.join(folder, name);
/** Largest error of an int8 answer of onnxruntime against requant's, as a share of the output's range. */
const ORT_TOLERANCE = 0.05;

const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.round((values.length - 1) * share)];
const median = (values) => quantile(values, 0.5);

/** A contender's process, listening. */
async function start(engine) {
  const ort = { file: file('a.onnx'), threads: Number(values['ort-threads']), inFeatures, outFeatures };
  const options = { engine, modelFile: file('a.safetensors'), maxBatch: Number(values['max-batch']), ort };
  const child = spawn(
    process.execPath,
    [new URL('server.mjs', import.meta.url).pathname, JSON.stringify(options)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { value: url } = await lines.next();
  if (url === undefined) throw new Error(`expected '${engine}' to listen but it ended`);
  const exited = new Promise((resolve) => child.once('close', resolve));
  return {
    engine,
    url,
    /** SIGTERM; its exit code and last words. */
    async stop() {
      child.kill('SIGTERM');
      const { value: words = '' } = await lines.next();
      return { code: await exited, drained: JSON.parse(words.replace('drained ', '') || 'null') };
    },
  };
}

const post = (url, body, type) => fetch(url, { method: 'POST', headers: { 'content-type': type }, body });

async function answerOf({ url }) {
  const response = await post(`${url}/predict`, bytes, 'application/octet-stream');
  return new Float32Array(await response.arrayBuffer());
}

/** Nothing is timed that answers something else. */
async function check(servers, expected) {
  const range = Math.max(...expected.map(Math.abs));
  for (const server of servers) {
    const answer = await answerOf(server);
    const tolerance = server.engine.startsWith('ORT') ? ORT_TOLERANCE * range : 0;
    if (!expected.every((value, i) => Math.abs(value - answer[i]) <= tolerance))
      throw new Error(`${server.engine}: expected the answer of the model alone`);
  }
}

/** CPU seconds of the service so far, all threads. */
async function cpuSeconds({ url }) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(text.match(/^process_cpu_seconds_total (\S+)/m)[1]);
}

/** One turn of autocannon; its times in ms. */
async function fire(server) {
  const before = await cpuSeconds(server);
  const result = await fireAt(server.url);
  return { ...result, cpuMicros: (1e6 * ((await cpuSeconds(server)) - before)) / result.times.length };
}

function fireAt(url) {
  const times = [];
  return new Promise((resolve, reject) => {
    const instance = autocannon(
      {
        url: `${url}/predict`,
        method: 'POST',
        connections,
        duration: Number(values.seconds),
        headers: { 'content-type': asJson ? 'application/json' : 'application/octet-stream' },
        body: asJson ? json : bytes,
      },
      (error, { errors, timeouts, non2xx, duration, ...rest } = {}) => {
        if (error) reject(error);
        else resolve({ perSecond: rest['2xx'] / duration, failures: errors + timeouts + non2xx, times });
      },
    );
    instance.on('response', (_client, _status, _bytes, ms) => times.push(ms));
  });
}

async function compare(servers) {
  const results = new Map(
    servers.map((server) => [server, { perSecond: [], cpuMicros: [], failures: 0, times: [] }]),
  );
  for (let turn = -1; turn < Number(values.turns); turn++) {
    for (const server of turn % 2 === 0 ? servers : servers.toReversed()) {
      const { perSecond, cpuMicros, failures, times } = await fire(server);
      await sleep(100);
      if (turn < 0) continue;
      const result = results.get(server);
      result.perSecond.push(perSecond);
      result.cpuMicros.push(cpuMicros);
      result.failures += failures;
      for (const ms of times) result.times.push(ms);
    }
  }
  const [own] = results.values();
  console.log(
    '| service | requests/s | p50 ms | p99 ms | CPU µs a request | requant × (each turn: least, most) | failed |',
  );
  console.log('| :-- | --: | --: | --: | --: | --: | --: |');
  for (const [{ engine }, { perSecond, cpuMicros, failures, times }] of results) {
    const ratios = own.perSecond.map((rate, i) => rate / perSecond[i]);
    const spread = `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`;
    const [rate, p50, p99] = [
      median(perSecond).toFixed(0),
      quantile(times, 0.5).toFixed(2),
      quantile(times, 0.99).toFixed(2),
    ];
    console.log(
      `| ${engine} | ${rate} | ${p50} | ${p99} | ${median(cpuMicros).toFixed(0)} | ${engine === 'requant' ? '' : spread} | ${failures} |`,
    );
  }
  return [...results.values()].reduce((sum, { failures }) => sum + failures, 0);
}

/** Reloads in turn between two models while clients ask, then SIGTERM while they go on. Every answer is checked. */
async function account(expected) {
  const server = await start('requant');
  const clients = startClients({
    url: `${server.url}/predict`,
    body: bytes,
    concurrency: connections,
    check(answer, model) {
      if (!Buffer.from(answer).equals(expected[model])) throw new Error('other bits');
    },
  });
  let reloads = 0;
  const end = performance.now() + 1000 * Number(values.seconds);
  while (performance.now() < end) {
    const name = reloads % 2 === 0 ? 'b.safetensors' : 'a.safetensors';
    const { status } = await post(`${server.url}/reload`, JSON.stringify({ file: name }), 'application/json');
    if (status !== 200) throw new Error(`expected a reload but received ${status}`);
    reloads++;
    await sleep(50);
  }
  const answeredBefore = clients.counts.answered;
  const { code, drained } = await server.stop();
  const { answered, otherStatus, lost, wrong, turnedAway, models } = await clients.stop();
  console.log(
    `\n${reloads} reloads and SIGTERM under load of ${connections} clients: ${answered} answered (${JSON.stringify(models)}), ${answered - answeredBefore} of them after SIGTERM;`,
  );
  console.log(
    `  ${lost} lost, ${wrong} wrong, ${otherStatus} with another status; turned away by the closed port: ${turnedAway}; exit code ${code}`,
  );
  const predictions = drained.answered - reloads;
  console.log(
    `  the process took in ${drained.received - reloads} predictions and answered ${predictions}; ${answered} answers arrived`,
  );
  return (
    code === 0 &&
    lost + wrong + otherStatus === 0 &&
    drained.received === drained.answered &&
    predictions === answered
  );
}

async function main() {
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if (!values['no-ort']) ensurePackages();
  const expected = {};
  for (const [name, seed] of [
    ['a', 1],
    ['b', 2],
  ]) {
    const model = await makeModel(widths, seed);
    await model.save(file(`${name}.safetensors`));
    if (name === 'a' && !values['no-ort']) writeFileSync(file('a.onnx'), qdq(model.graph));
    expected[`${name}.safetensors`] = Buffer.from(
      (await load(file(`${name}.safetensors`))).runSync(row).buffer,
    );
  }
  const engines = ['requant', 'requant, each alone'];
  if (!values['no-ort']) engines.push('ORT int8, batched', 'ORT int8, each alone');
  console.log(
    `${cpus()[0].model}, ${cpus().length} CPUs, Node ${process.versions.node}; ${values.widths}, one row a request as ${values.body}, ${connections} connections, ${values.turns} turns of ${values.seconds} s`,
  );
  const servers = [];
  for (const engine of engines) servers.push(await start(engine));
  let failures;
  try {
    const { buffer, byteOffset } = expected['a.safetensors'];
    await check(servers, new Float32Array(buffer, byteOffset, outFeatures));
    failures = await compare(servers);
  } finally {
    for (const server of servers) await server.stop();
  }
  if (!(await account(expected)) || failures > 0) process.exitCode = 1;
}

main()
  .catch((error) => {
    console.error(error.stack ?? error);
    process.exitCode = 1;
  })
  .finally(() => rmSync(folder, { recursive: true }));
