// Training with integers alone beside float training of the same nets: test accuracy after the last epoch, all 60,000 and
// 10,000 rows, three seeds. Every finished run is kept in build/integer.json, so that a second start goes on.
//   node examples/mnist/integer.mjs [--seeds N]        writes the table of docs/integer-training.md
// Float training is by Adam, whose rate falls as a cosine. Ends with 1 where a goal is missed.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { linear, MLP, relu } from 'requant';
import { train, trainInteger } from 'requant/training';
import { fashion } from './fashion.mjs';
import { agreement, mnist, predictions } from './mnist.mjs';
import { table, writeResults } from './tables.mjs';

const NETS = [
  { name: 'mnist-small', data: 'MNIST', widths: [784, 100, 50, 10], epochs: 20, goal: 97.4, gap: 0.6 },
  { name: 'fashion', data: 'Fashion', widths: [784, 200, 100, 50, 10], epochs: 24, goal: 88.7, gap: 1.1 },
  {
    name: 'mnist-wide',
    data: 'MNIST',
    widths: [784, 1024, 1024, 1024, 10],
    epochs: 12,
    goal: 98.3,
    gap: 0.6,
  },
];
const METHODS = ['8-8-8-8', '2-8-8-8', 'float32'];
const BATCH = { '8-8-8-8': 64, '2-8-8-8': 128, float32: 64 };
const KEPT = 'build/integer.json';

const { values: options } = parseArgs({ options: { seeds: { type: 'string', default: '3' } } });

/** Both splits as bytes, read once. */
const DATA = new Map();
function splits(data) {
  const read = data === 'MNIST' ? mnist : fashion;
  if (!DATA.has(data))
    DATA.set(
      data,
      ['train', 't10k'].map((split) => asBytes(read(split))),
    );
  return DATA.get(data);
}
const asBytes = ({ inputs, targets }) => ({
  inputs: Uint8Array.from(inputs, (x) => Math.round(x * 255)),
  targets,
});
const asFractions = ({ inputs, targets }) => ({ inputs: Float32Array.from(inputs, (x) => x / 255), targets });

/** Accuracy of the trained model on the test rows, in per cent, and rows a second of the last epoch. */
async function run({ data, widths, epochs }, method, seed) {
  const batchSize = BATCH[method];
  let speed = 0;
  const onProgress = ({ rowsPerSecond, done, total }) => {
    if (done === total) speed = rowsPerSecond;
  };
  const job = { epochs, batchSize, seed, onProgress };
  const [training, test] = splits(data);
  const isFloat = method === 'float32';
  const { model } = isFloat
    ? await train(floatNet(widths, seed), asFractions(training), { ...job, schedule: 'cosine' })
    : await trainInteger(widths, training, { ...job, recipe: method });
  const inputs = isFloat ? asFractions(test).inputs : Float32Array.from(test.inputs);
  const accuracy = 100 * agreement(predictions(model.runSync(inputs)), test.targets);
  return { accuracy, rowsPerSecond: Math.round(speed) };
}

function floatNet(widths, seed) {
  const layers = widths
    .slice(1)
    .flatMap((outFeatures, i) => [linear({ inFeatures: widths[i], outFeatures }), relu()]);
  return new MLP(layers.slice(0, -1), { seed });
}

function keptRuns() {
  try {
    return JSON.parse(readFileSync(KEPT, 'utf8'));
  } catch {
    return {};
  }
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const of = (digits) => (value) => value.toFixed(digits).replace('-0.00', '0.00');

/** Accuracies of all seeds. */
async function accuraciesOf(net, method) {
  const found = [];
  for (let seed = 1; seed <= Number(options.seeds); seed++) {
    const key = `${net.name} ${method}${method === 'float32' ? ', cosine' : ''} ${net.epochs} epochs, seed ${seed}`;
    kept[key] ??= await run(net, method, seed);
    writeFileSync(KEPT, `${JSON.stringify({ ...keptRuns(), [key]: kept[key] }, null, 1)}\n`);
    found.push(kept[key].accuracy);
    console.error(`${key}: ${kept[key].accuracy.toFixed(2)} %, ${kept[key].rowsPerSecond} rows/s`);
  }
  return found;
}

mkdirSync('build', { recursive: true });
const kept = keptRuns();
const problems = [];
const rows = [];
for (const net of NETS) {
  const found = new Map();
  for (const method of METHODS) found.set(method, await accuraciesOf(net, method));
  const float = mean(found.get('float32'));
  for (const [method, accuracies] of found) {
    const spread = Math.max(...accuracies) - Math.min(...accuracies);
    const numbers = [mean(accuracies), spread, float - mean(accuracies)].map(of(2));
    rows.push([
      `${net.widths.join('-')} ${net.data}, ${net.epochs} epochs`,
      method,
      ...numbers,
      accuracies.map(of(2)).join(' '),
    ]);
  }
  const own = mean(found.get('8-8-8-8'));
  if (own < net.goal) problems.push(`${net.name}: ${of(2)(own)} %, goal ${net.goal}`);
  if (float - own > net.gap)
    problems.push(`${net.name}: ${of(2)(float - own)} pp below float, goal ${net.gap}`);
}
const head = ['net', 'training', 'mean', 'spread', 'below float (pp)', 'seeds 1, 2, 3'];
writeResults('integer-training.md', 'integer.mjs', table(head, rows));
for (const problem of problems) console.error(`missed: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
