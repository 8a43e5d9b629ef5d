// Quantization-aware training beside float training and post-training quantization, on all of MNIST and Fashion-MNIST:
// writes the tables of docs/training-quantized.md.
//   node examples/mnist/qat.mjs          hours on a small machine; what is done is kept in build/qat.json
//   node examples/mnist/qat.mjs 0        the tables of what is done
// Every number is the same on every CPU. Ends with 1 where a target is missed.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { calibrate, linear, MLP, quantize, relu } from 'requant';
import { train, trainQuantized } from 'requant/training';
import { fashion } from './fashion.mjs';
import { agreement, CLASSES, mnist, PIXELS, predictions } from './mnist.mjs';
import { table, writeResults } from './tables.mjs';

/** Epochs of float training before, with Adam at 0.001; epochs of each training that is compared. */
const EPOCHS = { before: 8, more: 5 };
const SEEDS = [1, 2, 3];
const BATCH = 128;
const CALIBRATION_ROWS = 1024;
const root = new URL('../../', import.meta.url);
const cache = new URL('build/qat.json', root);
const say = (text) => process.stderr.write(`${text}\n`);
const results = existsSync(cache) ? JSON.parse(readFileSync(cache, 'utf8')) : {};

/** `compute` unless it has been done. */
async function once(key, compute) {
  if (results[key] === undefined) {
    results[key] = await compute();
    writeFileSync(cache, JSON.stringify(results, null, 1));
  }
  say(`${key}: ${results[key].toFixed(2)} %`);
  return results[key];
}

const SETS = { MNIST: mnist, 'Fashion-MNIST': fashion };
const NETS = { '784-512-512-10': [512, 512], '784-100-50-10': [100, 50] };
const data = {};
const loaded = (set) => {
  data[set] ??= { train: SETS[set]('train'), test: SETS[set]('t10k') };
  return data[set];
};

const accuracy = (model, set) => {
  const { test } = loaded(set);
  return 100 * agreement(predictions(model.runSync(test.inputs)), test.targets);
};

/** The float model that everything starts from, kept in build/models. */
async function start(set, net) {
  const file = new URL(`build/models/${set}-${NETS[net][0]}.safetensors`, root);
  if (existsSync(file)) return MLP.load(file);
  say(`${set} ${net}: training in float`);
  const widths = [PIXELS, ...NETS[net], CLASSES];
  const layers = widths
    .slice(1)
    .flatMap((outFeatures, i) => [linear({ inFeatures: widths[i], outFeatures }), relu()])
    .slice(0, -1);
  const options = {
    epochs: EPOCHS.before,
    batchSize: BATCH,
    optimizer: { type: 'adam', learningRate: 0.001 },
  };
  const { model } = await train(new MLP(layers, { seed: 1 }), loaded(set).train, options);
  mkdirSync(new URL('build/models', root), { recursive: true });
  await model.save(file);
  return model;
}

/** The same epochs, batches and schedule for all. */
const common = (seed) => ({ epochs: EPOCHS.more, batchSize: BATCH, seed });
const floatOptions = { optimizer: { type: 'adam', learningRate: 0.0005 }, schedule: 'cosine' };

/** The float model after as many epochs as the quantized ones. */
async function trainedOn(set, net, seed) {
  const file = new URL(`build/models/${set}-${NETS[net][0]}-more-${seed}.safetensors`, root);
  if (existsSync(file)) return MLP.load(file);
  const { model } = await train(await start(set, net), loaded(set).train, {
    ...common(seed),
    ...floatOptions,
  });
  await model.save(file);
  return model;
}

async function served(set, net, seed, options) {
  const started = performance.now();
  const { model, calibration } = await trainQuantized(await start(set, net), loaded(set).train, {
    ...common(seed),
    ...options,
  });
  say(`${((performance.now() - started) / 1000).toFixed(0)} s`);
  return accuracy(quantize(model, calibration), set);
}

async function afterTraining(set, net, seed, options) {
  const float = await trainedOn(set, net, seed);
  const rows = loaded(set).train.inputs.slice(0, CALIBRATION_ROWS * PIXELS);
  return accuracy(quantize(float, await calibrate(float, rows), options), set);
}

/** Rows of the table: what they are called, what they train, and by how much they may stay below float. */
const WAYS = [
  { name: 'int8', options: {}, below: 0.05, post: {} },
  {
    name: 'weights 4 bits, activations 4',
    options: { weightBits: 4, activationBits: 4 },
    below: 0.5,
    post: { bits: 4, activationBits: 4 },
  },
  { name: 'weights 2 bits', options: { weightBits: 2 }, below: 1, post: { bits: 2 } },
  { name: 'FP8, E4M3FN', options: { format: 'e4m3fn' }, post: { format: 'e4m3fn' } },
  { name: 'ternary weights', options: { weightBits: 'ternary' } },
  {
    name: 'weights 2 bits, activations 4',
    options: { weightBits: 2, activationBits: 4 },
    post: { bits: 2, activationBits: 4 },
  },
  {
    name: 'FP8, format learned from 3M4E',
    options: { format: { mantissa: 3, exponent: 4 }, learnFormat: true },
  },
  {
    name: 'PACT, weights 4 bits, activations 4',
    options: { method: 'pact', weightBits: 4, activationBits: 4 },
  },
  { name: 'moving averages, int8', options: { method: 'ema' } },
  {
    name: 'moving averages, 4 bits, activations 4',
    options: { method: 'ema', weightBits: 4, activationBits: 4 },
  },
];
/** So many of the ways, by net and seed: the first ones matter most. */
const PLAN = [
  ['784-512-512-10', 1, 4],
  ['784-100-50-10', 1, 4],
  ['784-100-50-10', 2, 4],
  ['784-100-50-10', 3, 4],
  ['784-512-512-10', 1, WAYS.length],
  ['784-512-512-10', 2, 4],
  ['784-512-512-10', 3, 4],
];

const limit = process.argv[2] === undefined ? PLAN.length : Number(process.argv[2]);
for (const [net, seed, ways] of PLAN.slice(0, limit)) {
  for (const set of Object.keys(SETS)) {
    await once(`${set} ${net} start`, async () => accuracy(await start(set, net), set));
    await once(`${set} ${net} float ${seed}`, async () => accuracy(await trainedOn(set, net, seed), set));
    for (const { name, options, post } of WAYS.slice(0, ways)) {
      await once(`${set} ${net} ${name} ${seed}`, () => served(set, net, seed, options));
      if (post) await once(`${set} ${net} ${name} post ${seed}`, () => afterTraining(set, net, seed, post));
    }
  }
}

const problems = [];
/** Of all seeds that have been run. */
function mean(key) {
  const values = SEEDS.map((seed) => results[`${key} ${seed}`]).filter((x) => x !== undefined);
  return values.length === 0
    ? undefined
    : { value: values.reduce((a, b) => a + b) / values.length, seeds: values.length };
}
const percent = (x) => (x === undefined ? '' : `${x.value.toFixed(2)} %`);

function tableOf(set, net) {
  const float = mean(`${set} ${net} float`);
  if (float === undefined) return undefined;
  const rows = WAYS.flatMap(({ name, below }) => {
    const own = mean(`${set} ${net} ${name}`);
    if (own === undefined) return [];
    const post = mean(`${set} ${net} ${name} post`);
    const drop = float.value - own.value;
    if (below !== undefined && drop > below + 1e-9)
      problems.push(`${set} ${net} ${name}: ${drop.toFixed(3)} pp below float`);
    if (name === 'int8' && own.value < post.value - 1e-9)
      problems.push(`${set} ${net}: ${own.value} below ${post.value} after training`);
    return [[name, percent(own), drop.toFixed(2).replace('-0.00', '0.00'), percent(post), own.seeds]];
  });
  const [int8, fp8] = ['int8', 'FP8, E4M3FN'].map((name) => mean(`${set} ${net} ${name}`).value);
  if (Math.abs(int8 - fp8) > 0.2)
    problems.push(`${set} ${net}: int8 and FP8 ${Math.abs(int8 - fp8).toFixed(2)} pp apart`);
  const head = ['', 'trained', 'below float (pp)', 'after training', 'seeds'];
  const first = results[`${set} ${net} start`].toFixed(2);
  return `${set}, ${net}: float ${first} % at the start, ${percent(float)} after ${EPOCHS.more} epochs more:\n\n${table(head, rows)}`;
}

const tables = Object.keys(NETS).flatMap((net) => Object.keys(SETS).map((set) => tableOf(set, net)));
writeResults('training-quantized.md', 'qat.mjs', tables.filter((one) => one !== undefined).join('\n\n'));
for (const problem of problems) say(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
