// What the methods of requant/compression regain, on MNIST and Fashion-MNIST: writes the tables of docs/compression.md.
//   node examples/mnist/methods.mjs          trains the two models first (a minute each), and keeps them in build/models
// Every number is the same on every CPU. Ends with 1 where a method regains too little.
import { calibrate, quantize } from 'requant';
import { adaRound, correctBias, equalize, gptq, mixedPrecision, smoothQuant } from 'requant/compression';
import { fashion } from './fashion.mjs';
import { activationOutliers, rescaledChannels, shiftedInputs } from './harder.mjs';
import { agreement, mnist, PIXELS, predictions } from './mnist.mjs';
import { writeResults } from './tables.mjs';
import { trained } from './trained.mjs';

const CALIBRATION_ROWS = 1024;
const SHIFT = 4;
/** What mixed precision may lose on the calibration rows, in percentage points. */
const MIXED_DROP = 0.3;
const say = (text) => process.stderr.write(`${text}\n`);

const plain = async (model) => model;
const smooth = (alpha) => async (model, rows) =>
  smoothQuant(model, await calibrate(model, rows, { method: 'minmax' }), { alpha });
/** Takes what was calibrated on the model as prepared so far. */
const corrected = (model, calibration, options) => correctBias(model, calibration, { quantize: options });
/** Weights rounded to the grid that the options state. */
const rounded =
  (round, correct = false) =>
  async (model, calibration, options) => {
    const { format, bits, groupSize, weights } = options;
    const grid = Object.fromEntries(
      Object.entries({ format, bits, groupSize, weights }).filter(([, value]) => value !== undefined),
    );
    const narrow = await round(model, calibration, grid);
    return correct ? correctBias(narrow, calibration, { quantize: options }) : narrow;
  };
const mixed = (fallback) => (model, calibration, options, labels) =>
  mixedPrecision(model, calibration, {
    maxDrop: MIXED_DROP,
    fallback,
    data: { inputs: calibration.kept, labels },
    quantize: options,
  });

/**
 * A way to quantize: `scale` prepares the float model (model, rows) before it is calibrated, `finish` after
 * (model, calibration, options, labels of the rows); `shown` must regain half of what min–max loses, or 3 dB.
 */
const way = (name, { scale = plain, finish = plain, observer = 'minmax', options, shown = false } = {}) => ({
  name,
  scale,
  finish,
  observer,
  options,
  shown,
});

const NARROW = { bits: 4, weights: 'per-tensor' };

/** Each case: a float model made of the trained one, options of `quantize`, and ways, the first of which is what the others are beside. */
const CASES = [
  {
    title: 'As it comes',
    text: 'Post-training int8 has little to regain here; int4 weights in groups of 32 lose little.',
    options: {},
    ways: [
      way('static int8, min–max'),
      way('static int8, auto', { observer: 'auto' }),
      way('static int8, one scale a layer', { options: { weights: 'per-tensor' } }),
      way('dynamic int8', { options: { mode: 'dynamic' } }),
      way('weight-only int8', { options: { mode: 'weight-only' } }),
      way('weight-only int4, groups of 32', {
        options: { mode: 'weight-only', format: 'int4', groupSize: 32 },
      }),
      way('weight-only int4, groups of 32, bias correction', {
        options: { mode: 'weight-only', format: 'int4', groupSize: 32 },
        finish: corrected,
      }),
      way('weight-only int4, groups of 32, GPTQ', {
        options: { mode: 'weight-only', format: 'int4', groupSize: 32 },
        finish: rounded(gptq),
      }),
      way('weight-only int4, groups of 128', {
        options: { mode: 'weight-only', format: 'int4', groupSize: 128 },
      }),
      way('weight-only int4, groups of 128, GPTQ', {
        options: { mode: 'weight-only', format: 'int4', groupSize: 128 },
        finish: rounded(gptq),
      }),
      way('FP8, E4M3FN', { options: { format: 'e4m3fn' } }),
      way('FP8, E5M2', { options: { format: 'e5m2' } }),
      way('FP8, formats searched', { options: { format: 'fp8-search' } }),
    ],
  },
  {
    title: 'Rescaled channels: equalization',
    text: 'Hidden features times 2^−3 … 2^3, undone in the next layer: the same function. Static int8, one weight scale a layer.',
    model: rescaledChannels,
    options: { weights: 'per-tensor' },
    ways: [
      way('min–max'),
      way('equalization', { scale: (model) => equalize(model), shown: true }),
      way('equalization by powers of two', {
        scale: (model) => equalize(model, { powersOfTwo: true }),
        shown: true,
      }),
      way('equalization, bias correction', {
        scale: (model) => equalize(model),
        finish: corrected,
        shown: true,
      }),
    ],
  },
  {
    title: 'Outliers among activations: SmoothQuant',
    text: 'One hidden feature in 64 times 128, undone in the next layer. Static int8, a weight scale a channel.',
    model: activationOutliers,
    options: {},
    ways: [
      way('min–max'),
      way('SmoothQuant, α = .5', { scale: smooth(0.5), shown: true }),
      way('SmoothQuant, α = .75', { scale: smooth(0.75), shown: true }),
    ],
  },
  {
    title: 'A shifted layer: bias correction',
    text: `Inputs ${SHIFT} higher, undone in the first bias: every error of a weight moves the mean. Static, 4-bit weights, a scale a channel.`,
    model: (model) => shiftedInputs(model, SHIFT),
    shift: SHIFT,
    options: { bits: 4 },
    ways: [way('min–max'), way('bias correction', { finish: corrected, shown: true })],
  },
  {
    title: '4-bit weights, one scale a layer',
    text: `Static, codes −7…7. Mixed precision may lose ${MIXED_DROP} percentage points on the calibration rows, which are of the training set.`,
    options: NARROW,
    ways: [
      way('min–max'),
      way('equalization', { scale: (model) => equalize(model) }),
      way('bias correction', { finish: corrected }),
      way('equalization, bias correction', { scale: (model) => equalize(model), finish: corrected }),
      way('AdaRound', { finish: rounded(adaRound), shown: true }),
      way('GPTQ', { finish: rounded(gptq), shown: true }),
      way('GPTQ, bias correction', { finish: rounded(gptq, true), shown: true }),
      way('a scale a channel', { options: { weights: 'per-channel' } }),
      way('a scale a channel, GPTQ', {
        options: { weights: 'per-channel' },
        finish: rounded(gptq),
        shown: true,
      }),
      way('mixed precision, weight-only', { finish: mixed('weight-only') }),
      way('mixed precision, float32', { finish: mixed('float32') }),
    ],
  },
];

/** Signal-to-quantization-noise ratio of the outputs in dB. */
function sqnr(reference, other) {
  let [signal, noise] = [0, 0];
  reference.forEach((x, i) => {
    signal += x * x;
    noise += (x - other[i]) ** 2;
  });
  return 10 * Math.log10(signal / noise);
}

async function scored({ scale, finish, observer, options: own }, common, float, { rows, labels }, test) {
  const options = { ...common, ...own };
  const scaled = await scale(float, rows);
  const calibration = await calibrate(scaled, rows, { method: observer });
  const model = await finish(scaled, calibration, options, labels);
  const quantized = quantize(model, calibration, options);
  const outputs = quantized.runSync(test.inputs);
  const right = (values) => 100 * agreement(predictions(values), test.targets);
  const score = {
    accuracy: right(outputs),
    drop: right(test.reference) - right(outputs),
    sqnrDb: sqnr(test.reference, outputs),
    bytes: quantized.toBytes().length,
  };
  quantized.dispose();
  return score;
}

const decibels = (x) => (Number.isFinite(x) ? `${x.toFixed(1)} dB` : '∞');
const problems = [];
const gate = (holds, what) => {
  if (!holds) problems.push(what);
};
const signed = (x) => x.toFixed(2).replace('-0.00', '0.00');

/** The rows of a case's table for one data set. */
async function rowsOf(
  { title, ways, options, model: harder = (model) => model, shift = 0 },
  { name, float, rows, labels, test },
) {
  const moved = (inputs) => (shift === 0 ? inputs : inputs.map((x) => x + shift));
  const data = { inputs: moved(test.inputs), targets: test.targets };
  const model = harder(float);
  data.reference = model.runSync(data.inputs);
  const lines = [];
  let base;
  for (const one of ways) {
    const score = await scored(one, options, model, { rows: moved(rows), labels }, data);
    base ??= score;
    const gain = score.sqnrDb - base.sqnrDb;
    const regained = base.drop > 0 && base.drop - score.drop >= base.drop / 2;
    const where = `${name}, ${title}, ${one.name}`;
    if (one.shown)
      gate(
        regained || gain >= 3,
        `${where}: ${signed(base.drop)} → ${signed(score.drop)} pp, ${gain.toFixed(1)} dB`,
      );
    if (one.name.startsWith('mixed'))
      gate(score.drop <= base.drop / 2 || score.drop <= 0.1, `${where}: ${signed(score.drop)} pp`);
    if (one.name === 'static int8, auto') gate(score.drop <= 0.1, `${where}: ${signed(score.drop)} pp`);
    if (/groups of 32$/.test(one.name)) gate(score.drop <= 0.5, `${where}: ${signed(score.drop)} pp`);
    say(`${where}: ${score.accuracy.toFixed(2)} %, ${score.sqnrDb.toFixed(1)} dB`);
    lines.push([
      one.name,
      `${score.accuracy.toFixed(2)} %`,
      signed(score.drop),
      decibels(score.sqnrDb),
      one === ways[0] ? '' : `${gain < 0 ? '−' : '+'}${decibels(Math.abs(gain))}`,
    ]);
  }
  return lines;
}

const HEAD = ['', 'accuracy', 'drop (pp)', 'SQNR', 'gain'];
const table = (rows) =>
  [HEAD, [':--', ...HEAD.slice(1).map(() => '--:')], ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');

async function loaded(name, read) {
  const data = read('train');
  const test = read('t10k');
  const float = await trained(name, data, say);
  const accuracy = 100 * agreement(predictions(float.runSync(test.inputs)), test.targets);
  say(`${name}: float ${accuracy.toFixed(2)} %`);
  return {
    name,
    float,
    test,
    accuracy,
    rows: data.inputs.slice(0, CALIBRATION_ROWS * PIXELS),
    labels: data.targets.slice(0, CALIBRATION_ROWS),
  };
}

const sets = [await loaded('MNIST', mnist), await loaded('Fashion-MNIST', fashion)];
const sections = [];
for (const one of CASES) {
  const tables = [];
  for (const set of sets)
    tables.push(`${set.name}, float ${set.accuracy.toFixed(2)} %:\n\n${table(await rowsOf(one, set))}`);
  sections.push(`### ${one.title}\n\n${one.text}\n\n${tables.join('\n\n')}`);
}

writeResults('compression.md', 'methods.mjs', sections.join('\n\n'));
for (const problem of problems) say(`regains too little: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
