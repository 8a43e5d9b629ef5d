// What requant/compression's `prune` takes out of an MLP, on MNIST and Fashion-MNIST: writes the tables of docs/pruning.md.
//   node examples/mnist/pruning.mjs [saliencies | schedules | blocks | neurons …]          all of them, or some
// It trains the two models first (a minute each), and keeps them in build/models.
// Accuracies are the same on every CPU; times are medians of ratios taken in turns, on one thread. Ends with 1 where an
// order or a gain is missing.
import { calibrate, quantize } from 'requant';
import { prune } from 'requant/compression';
import { fashion } from './fashion.mjs';
import { agreement, mnist, PIXELS, predictions } from './mnist.mjs';
import { table, writeResults } from './tables.mjs';
import { trained } from './trained.mjs';

const CALIBRATION_ROWS = 1024;
const SHOWN_ROWS = 2000;
/** Percentage points that neurons are removed until. */
const MAX_DROP = 0.2;
const say = (text) => process.stderr.write(`${text}\n`);
const problems = [];
const gate = (holds, what) => {
  if (!holds) problems.push(what);
};
const percent = (x) => `${x.toFixed(2)} %`;
const signed = (x) => x.toFixed(2).replace('-0.00', '0.00');
const accuracyOf = (model, { inputs, targets }) =>
  100 * agreement(predictions(model.runSync(inputs)), targets);
const rowsOf = ({ inputs, targets }, from, to) => ({
  inputs: inputs.subarray(from * PIXELS, to * PIXELS),
  targets: targets.subarray(from, to),
});

/** What each Linear layer shows, relative to the float model: ‖y − y'‖² / ‖y‖². */
function layerErrors(float, pruned, rows) {
  const names = float.layers.filter(({ type }) => type === 'linear').map(({ name }) => name);
  const shown = (model) => {
    const values = {};
    model.observe(rows, (name, data) => {
      if (names.includes(name)) values[name] = data.slice();
    });
    return values;
  };
  const [a, b] = [shown(float), shown(pruned)];
  return names.map((name) => {
    let [error, signal] = [0, 0];
    a[name].forEach((x, i) => {
      error += (x - b[name][i]) ** 2;
      signal += x * x;
    });
    return error / signal;
  });
}

async function int8(model, rows) {
  return quantize(model, await calibrate(model, rows, { method: 'mse' }), { threads: 1 });
}

const median = (values) => values.sort((x, y) => x - y)[values.length >> 1];

/** How many times faster `b` is than `a`, in turns. */
function speedup(a, b, rows) {
  const outputs = new Float32Array((rows.length / PIXELS) * a.outFeatures);
  const time = (model, calls) => {
    model.runSync(rows, outputs);
    const started = performance.now();
    for (let i = 0; i < calls; i++) model.runSync(rows, outputs);
    return (performance.now() - started) / calls;
  };
  // Short turns: few of them are interrupted.
  const calls = Math.max(1, Math.ceil(0.3 / time(a, 20)));
  const ratios = Array.from({ length: 401 }, () => time(a, calls) / time(b, calls));
  return median(ratios);
}

const BATCHES = [1, 32, 128];
const speedups = (a, b, inputs) => BATCHES.map((batch) => speedup(a, b, inputs.subarray(0, batch * PIXELS)));
const times = (ratios) => ratios.map((ratio) => `${ratio.toFixed(2)}×`);

/** The hidden layers so far that 90 % of all weights are gone: the small last layer stays as it is. */
const HIDDEN = { layers: ['0', '2'], sparsity: 0.9069 };
const WAYS = [
  ['magnitude', { saliency: 'magnitude' }],
  ['Taylor', { saliency: 'taylor' }],
  ['OBD, Fisher', { saliency: 'obd', curvature: 'fisher' }],
  ['OBD', { saliency: 'obd' }],
  ['OBS', { saliency: 'obs' }],
];

async function saliencies({ name, float, data, test, accuracy }) {
  const scores = {};
  const rows = [];
  for (const [title, options] of WAYS) {
    const pruned = await prune(float, data, { ...options, ...HIDDEN });
    const errors = layerErrors(float, pruned, data.inputs.subarray(0, SHOWN_ROWS * PIXELS));
    scores[title] = { accuracy: accuracyOf(pruned, test), errors };
    say(`${name}, 90 %, ${title}: ${scores[title].accuracy.toFixed(2)} %`);
    rows.push([
      title,
      percent(scores[title].accuracy),
      signed(accuracy - scores[title].accuracy),
      ...errors.map((e) => e.toFixed(4)),
    ]);
  }
  const { magnitude, OBD, OBS } = scores;
  gate(
    OBS.accuracy >= OBD.accuracy && OBD.accuracy >= magnitude.accuracy,
    `${name}: accuracy of OBS ≥ OBD ≥ magnitude`,
  );
  gate(
    OBS.errors.every((e, i) => e <= OBD.errors[i] && OBD.errors[i] <= magnitude.errors[i]),
    `${name}: error of OBS ≤ OBD ≤ magnitude`,
  );
  return table(['saliency', 'accuracy', 'drop (pp)', 'error, layer 1', 'layer 2', 'outputs'], rows);
}

const FINE_TUNE = { epochs: 1, batchSize: 128, optimizer: { type: 'adam', learningRate: 0.0005 } };
const GRADUAL = { steps: 4, fineTune: FINE_TUNE };

async function schedules({ name, float, data, test, accuracy }) {
  const rows = [];
  for (const sparsity of [0.95]) {
    const cells = [];
    for (const saliency of ['magnitude', 'obd']) {
      for (const extra of [{}, GRADUAL]) {
        const pruned = await prune(float, data, { layers: HIDDEN.layers, sparsity, saliency, ...extra });
        cells.push(signed(accuracy - accuracyOf(pruned, test)));
        say(`${name}, ${sparsity}, ${saliency}${extra.steps ? ', four steps' : ''}: ${cells.at(-1)} pp`);
      }
    }
    gate(Number(cells[1]) < Number(cells[0]), `${name}, ${sparsity}: fine-tuning regains`);
    rows.push([`${100 * sparsity} %`, ...cells]);
  }
  const head = ['magnitude', 'OBD'].flatMap((title) => [`${title}, one shot`, 'four steps']);
  return table(['zeros', ...head], rows);
}

async function blocks({ name, float, data, test, accuracy }) {
  const calibration = data.inputs.slice(0, CALIBRATION_ROWS * PIXELS);
  const dense = await int8(float, calibration);
  const rows = [];
  for (const sparsity of [0.6, 0.75, 0.9]) {
    const options = { unit: 'block', layers: HIDDEN.layers, sparsity };
    const bare = await prune(float, data, options);
    const tuned = await prune(float, data, { ...options, fineTune: FINE_TUNE });
    const quantized = await int8(tuned, calibration);
    const ratios = speedups(dense, quantized, test.inputs);
    const cells = [bare, tuned, quantized].map((model) => signed(accuracy - accuracyOf(model, test)));
    say(`${name}, blocks ${sparsity}: ${cells.join(', ')} pp, ${times(ratios).join(' ')}`);
    gate(
      ratios.every((ratio) => ratio > 1),
      `${name}, blocks ${sparsity}: faster than dense (${times(ratios)})`,
    );
    rows.push([`${100 * sparsity} %`, ...cells, ...times(ratios)]);
  }
  const head = ['zero blocks', 'drop (pp)', 'fine-tuned', 'int8', ...BATCHES.map((b) => `faster, ${b} rows`)];
  return table(head, rows);
}

async function neurons({ name, float, data, test }) {
  // Chosen on one half of the test rows, judged on the other.
  const half = test.targets.length / 2;
  const [validation, unseen] = [rowsOf(test, 0, half), rowsOf(test, half, 2 * half)];
  const calibration = data.inputs.slice(0, CALIBRATION_ROWS * PIXELS);
  const before = await int8(float, calibration);
  const rows = [];
  for (const [title, options] of [
    ['magnitude', { saliency: 'magnitude' }],
    ['OBD', { saliency: 'obd' }],
    ['OBS', { saliency: 'obs' }],
    ['OBS, fine-tuned', { saliency: 'obs', steps: 6, fineTune: FINE_TUNE }],
  ]) {
    const pruned = await prune(float, data, { unit: 'neuron', maxDrop: MAX_DROP, validation, ...options });
    const after = await int8(pruned, calibration);
    const widths = pruned.layers.filter(({ type }) => type === 'linear').map((l) => l.outFeatures);
    const drops = [validation, unseen].map((rows) => accuracyOf(float, rows) - accuracyOf(pruned, rows));
    const size = before.toBytes().length / after.toBytes().length;
    const ratios = speedups(before, after, test.inputs);
    say(`${name}, neurons, ${title}: ${widths.join('-')}, ${size.toFixed(2)}×, ${times(ratios).join(' ')}`);
    gate(drops[0] <= MAX_DROP + 1e-9, `${name}, neurons, ${title}: ${drops[0]} pp`);
    if (title.startsWith('OBS'))
      gate(
        size > 1.2 && ratios.every((ratio) => ratio > 1),
        `${name}, neurons, ${title}: ${size}×, ${times(ratios)}`,
      );
    rows.push([
      title,
      `${PIXELS}-${widths.join('-')}`,
      ...drops.map(signed),
      `${size.toFixed(2)}×`,
      ...times(ratios),
    ]);
  }
  const head = [
    'saliency',
    'what is left',
    'drop, chosen on (pp)',
    'drop, unseen',
    'int8 file smaller',
    ...BATCHES.map((b) => `faster, ${b} rows`),
  ];
  return table(head, rows);
}

const PARTS = [
  [
    'Saliencies at 90 % zeros',
    'Single weights of the two hidden layers, in one shot, without fine-tuning; with the last layer as it was 90 % of all weights are gone. Errors: ‖y − y′‖² / ‖y‖² of what each layer gives in the pruned model.',
    saliencies,
  ],
  [
    'Schedules and fine-tuning',
    'Percentage points lost, by the share of zeros in the hidden layers. Four steps of the cubic schedule, an epoch after each.',
    schedules,
  ],
  [
    'Blocks of 4×1',
    'OBS on the hidden layers; fine-tuned: one epoch; int8: static, as `quantize` gives it. Faster: than the dense int8 model, float32 in and out, one thread.',
    blocks,
  ],
  [
    'Neurons',
    `Removed in steps of 2.5 % (fine-tuned: 16 %, an epoch after each) until ${MAX_DROP} percentage points are lost on one half of the test rows. Drops on 5,000 rows are uncertain by some .3 points, and the half that decides flatters what it chose.`,
    neurons,
  ],
];

async function loaded(name, read) {
  const data = read('train');
  const test = read('t10k');
  const float = await trained(name, data, say);
  const accuracy = accuracyOf(float, test);
  say(`${name}: float ${percent(accuracy)}`);
  return { name, float, data, test, accuracy };
}

const wanted = process.argv.slice(2);
const sets = [await loaded('MNIST', mnist), await loaded('Fashion-MNIST', fashion)];
for (const [title, text, part] of PARTS) {
  if (wanted.length > 0 && !wanted.includes(part.name)) continue;
  const tables = [];
  for (const set of sets) tables.push(`${set.name}, float ${percent(set.accuracy)}:\n\n${await part(set)}`);
  writeResults('pruning.md', `pruning.mjs:${part.name}`, `### ${title}\n\n${text}\n\n${tables.join('\n\n')}`);
}
for (const problem of problems) say(`missing: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
