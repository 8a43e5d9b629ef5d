// What a process pays for this package: node scripts/startup.mjs [processes of each kind, default 41]. Needs a build.
//   start   from the start of a process to the end of its first run of model A (784-128-10, an int8 file), over the time
//           to the first line of one without the package
//   memory  resident bytes after one run of model C (1024-1024-1024-1024, an int8 file), over those of an empty process
// Processes with and without the package take turns; medians, and the median of the differences within a turn.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { calibrate, linear, MLP, quantize, relu } from 'requant';

const MIB = 2 ** 20;
const WIDTHS = { A: [784, 128, 10], C: [1024, 1024, 1024, 1024] };
const START_GOAL_MS = 4;

const turns = Number(process.argv[2] ?? 41);
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'requant-startup-'));

async function saveInt8(name) {
  const widths = WIDTHS[name];
  const layers = widths.slice(1).flatMap((outFeatures, i) => {
    const layer = linear({ inFeatures: widths[i], outFeatures });
    return i < widths.length - 2 ? [layer, relu()] : [layer];
  });
  const file = path.join(folder, `${name}.safetensors`);
  const float = new MLP(layers);
  const rows = new Float32Array(64 * float.inFeatures).map((_, i) => ((i * 7919) % 2000) / 1000 - 1);
  await quantize(float, await calibrate(float, rows)).save(file);
  return { file, weightBytes: widths.slice(1).reduce((sum, width, i) => sum + width * widths[i], 0) };
}

const once = (file, then = '') =>
  `QuantizedMLP.load(${JSON.stringify(file)}).then((model) => {
    globalThis.model = model; // as a server keeps it
    model.runSync(new Float32Array(model.inFeatures));
    ${then}
  });`;
const required = "const { QuantizedMLP } = require('requant');";
const imported = "import { QuantizedMLP } from 'requant';";
/** On the clock that all processes share. */
const tellTime = 'process.stdout.write(String(process.hrtime.bigint()));';
/** Resident bytes, once what V8 does after a start is over. */
const tellMemory = 'setTimeout(() => console.log(process.memoryUsage.rss()), 300);';

function node(...args) {
  return execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Samples of both in turn, first one and then the other. */
function inTurn(empty, loaded) {
  const pairs = [];
  for (let turn = 0; turn < turns; turn++) {
    if (turn % 2 === 0) {
      const a = empty();
      pairs.push([a, loaded()]);
    } else {
      const b = loaded();
      pairs.push([empty(), b]);
    }
  }
  const [a, b] = [0, 1].map((i) => median(pairs.map((pair) => pair[i])));
  return { empty: a, loaded: b, difference: median(pairs.map(([x, y]) => y - x)) };
}

function report(what, { empty, loaded, difference }, unit, goal) {
  const number = (x) => x.toFixed(2);
  const met = difference <= goal ? 'met' : 'missed';
  console.log(
    `${what}: ${number(loaded)} ${unit}, Node alone ${number(empty)}: +${number(difference)} (goal ≤ ${number(goal)}: ${met})`,
  );
}

try {
  const a = await saveInt8('A');
  const c = await saveInt8('C');
  const time = (...args) => {
    const start = process.hrtime.bigint();
    return Number(BigInt(node(...args)) - start) / 1e6;
  };
  for (const [name, flags, entry] of [
    ['require', [], required],
    ['import', ['--input-type=module'], imported],
  ]) {
    const result = inTurn(
      () => time(...flags, '-e', tellTime),
      () => time(...flags, '-e', entry + once(a.file, tellTime)),
    );
    report(`start to first inference, model A, ${name}`, result, 'ms', START_GOAL_MS);
  }
  const memory = inTurn(
    () => Number(node('-e', tellMemory)) / MIB,
    () => Number(node('-e', required + once(c.file, tellMemory))) / MIB,
  );
  report('resident memory, model C', memory, 'MiB', (1.3 * c.weightBytes) / MIB + 3);
} finally {
  rmSync(folder, { recursive: true });
}
