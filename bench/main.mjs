// npm run bench [-- --json results.json] [-- --model B]: int8 against this package's own float32, one thread, float32 in
// and out. The two take turns (A B A B), so that both see the same machine; medians and their ratio are what counts.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { calibrate, linear, MLP, quantize, relu } from 'requant';
import { kernels } from 'requant/kernels';
import { BATCHES, MODELS } from './models.mjs';

const { values: options } = parseArgs({ options: { json: { type: 'string' }, model: { type: 'string' } } });
/** Least time and least turns a case gets. */
const CASE_MS = 400;
const MIN_TURNS = 15;

function layersOf(widths) {
  return widths.slice(1).flatMap((outFeatures, i) => {
    const layer = linear({ inFeatures: widths[i], outFeatures });
    return i < widths.length - 2 ? [layer, relu()] : [layer];
  });
}

/** Sines of growing frequency: no two alike, the same in every run. */
function rowsOf(count, features) {
  return Float32Array.from({ length: count * features }, (_, i) => Math.sin(i * 12.9898));
}

function takeTurns(actions) {
  const times = actions.map(() => []);
  const end = performance.now() + CASE_MS;
  for (let turn = 0; turn < MIN_TURNS || performance.now() < end; turn++) {
    actions.forEach((action, i) => {
      const start = process.hrtime.bigint();
      action();
      times[i].push(Number(process.hrtime.bigint() - start) / 1000);
    });
  }
  return times.map((list) => list.sort((a, b) => a - b));
}

const at = (sorted, share) => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)];
const round = (x, digits = 2) => Number(x.toFixed(digits));

async function measure(name, widths) {
  const float = new MLP(layersOf(widths));
  const data = rowsOf(Math.max(...BATCHES), widths[0]);
  const int8 = quantize(float, await calibrate(float, data.subarray(0, 256 * widths[0])));
  const macs = widths.slice(1).reduce((sum, width, i) => sum + width * widths[i], 0);
  return BATCHES.map((batch) => {
    const input = data.slice(0, batch * widths[0]);
    const output = new Float32Array(batch * widths.at(-1));
    const [f, q] = takeTurns([() => float.runSync(input, output), () => int8.runSync(input, output)]);
    return {
      model: name,
      batch,
      floatMicros: { p50: round(at(f, 0.5)), p99: round(at(f, 0.99)) },
      int8Micros: { p50: round(at(q, 0.5)), p99: round(at(q, 0.99)) },
      ratio: round(at(f, 0.5) / at(q, 0.5)),
      int8Gmacs: round((macs * batch) / at(q, 0.5) / 1000, 1),
      rowsPerSecond: Math.round((batch * 1e6) / at(q, 0.5)),
    };
  });
}

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}

const chosen = Object.entries(MODELS).filter(
  ([name]) => options.model === undefined || options.model === name,
);
if (chosen.length === 0) {
  console.error(`expected --model ${Object.keys(MODELS).join('|')} but received ${options.model}`);
  process.exit(2);
}
const machine = { cpu: cpus()[0]?.model, kernel: kernels().active, node: process.version, commit: commit() };
console.log(`${machine.cpu}, kernel ${machine.kernel}, Node ${machine.node}; median µs a call, one thread`);
console.log(
  ['model', 'batch', 'float32', 'int8', 'ratio', 'int8 GMAC/s', 'rows/s'].map((h) => h.padStart(12)).join(''),
);
const results = [];
for (const [name, widths] of chosen) {
  for (const r of await measure(`${name} ${widths.join('-')}`, widths)) {
    results.push(r);
    const cells = [name, r.batch, r.floatMicros.p50, r.int8Micros.p50, r.ratio, r.int8Gmacs, r.rowsPerSecond];
    console.log(cells.map((cell) => String(cell).padStart(12)).join(''));
  }
}
if (options.json !== undefined)
  writeFileSync(options.json, `${JSON.stringify({ ...machine, results }, null, 2)}\n`);
