// Scores every calibration method, mode, rounding, option and activation on the full MNIST test set and writes the
// tables of docs/accuracy.md:   node examples/mnist/score.mjs
import { writeFileSync } from 'node:fs';
import {
  calibrate,
  clip,
  concat,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  linear,
  logSoftmax,
  MLP,
  quantize,
  relu,
  relu6,
  residual,
  sigmoid,
  silu,
  softmax,
  tanh,
} from 'requant';
import { train } from 'requant/training';
import { agreement, CLASSES, mnist, PIXELS, predictions } from './mnist.mjs';

const EPOCHS = { base: 8, other: 3 };
const CALIBRATION_ROWS = 1000;
const data = mnist('train');
const test = mnist('t10k');
const calibrationRows = data.inputs.subarray(0, CALIBRATION_ROWS * PIXELS);
const dense = (inFeatures, outFeatures) => linear({ inFeatures, outFeatures });
const say = (text) => process.stderr.write(`${text}\n`);

async function trained(layers, epochs) {
  const options = { epochs, batchSize: 128, optimizer: { type: 'adam', learningRate: 0.001 } };
  return (await train(new MLP(layers, { seed: 1 }), data, options)).model;
}

const mlp = (activation, last = []) => [
  dense(PIXELS, 256),
  activation(),
  dense(256, 128),
  activation(),
  dense(128, CLASSES),
  ...last,
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

function score(float, int8) {
  const [a, b] = [float.runSync(test.inputs), int8.runSync(test.inputs)];
  const [p, q] = [predictions(a), predictions(b)];
  const share = (x) => `${(100 * x).toFixed(2)} %`;
  const drop = 100 * (agreement(p, test.targets) - agreement(q, test.targets));
  return [
    share(agreement(p, test.targets)),
    share(agreement(q, test.targets)),
    drop.toFixed(2).replace('-0.00', '0.00'),
    share(agreement(p, q)),
    `${sqnr(a, b).toFixed(1)} dB`,
    `${((100 * int8.toBytes().length) / float.toBytes().length).toFixed(1)} %`,
  ];
}

const HEAD = ['float', 'quantized', 'drop (pp)', 'same class', 'SQNR', 'file / float file'];
const table = (first, rows) =>
  [[first, ...HEAD], [':--', ...HEAD.map(() => '--:')], ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');

async function byMethod(float) {
  const rows = [];
  for (const method of ['minmax', 'movingAverage', 'percentile', 'entropy', 'mse']) {
    const batches = Array.from({ length: 10 }, (_, i) =>
      calibrationRows.subarray(i * 100 * PIXELS, (i + 1) * 100 * PIXELS),
    );
    rows.push([
      `\`${method}\``,
      ...score(float, quantize(float, await calibrate(float, batches, { method }))),
    ]);
  }
  return rows;
}

function byOption(float, ranges) {
  const options = [
    { mode: 'static' },
    { mode: 'dynamic' },
    { mode: 'weight-only' },
    { rounding: 'half-up' },
    { rounding: 'half-even' },
    { rounding: 'gemmlowp' },
    { rounding: 'float32' },
    { weights: 'per-tensor' },
    { activations: 'symmetric' },
    { inputs: 'per-feature' },
    { output: 'uint8' },
    { output: 'int8' },
    { mode: 'dynamic', format: 'int4', groupSize: 32 },
    { mode: 'dynamic', format: 'int4', groupSize: 64 },
    { mode: 'dynamic', format: 'int4', groupSize: 128 },
    { mode: 'weight-only', format: 'int4', groupSize: 32 },
    { layers: { 4: { format: 'float32' } } },
    { layers: { 0: { mode: 'weight-only' } } },
  ];
  return options.map((option) => [
    `\`${JSON.stringify(option).replaceAll('"', '')}\``,
    ...score(float, quantize(float, ranges, option)),
  ]);
}

async function byLayer() {
  const block = () => residual([dense(128, 128), relu()]);
  const models = {
    relu: mlp(relu),
    relu6: mlp(relu6),
    'clip(−1, 1)': mlp(() => clip(-1, 1)),
    'leakyRelu(.01)': mlp(() => leakyRelu(0.01)),
    elu: mlp(elu),
    hardSigmoid: mlp(hardSigmoid),
    hardSwish: mlp(hardSwish),
    sigmoid: mlp(sigmoid),
    tanh: mlp(tanh),
    gelu: mlp(gelu),
    "gelu('tanh')": mlp(() => gelu('tanh')),
    silu: mlp(silu),
    'relu, softmax at the end': mlp(relu, [softmax()]),
    'relu, logSoftmax at the end': mlp(relu, [logSoftmax()]),
    'relu, two residual blocks': [dense(PIXELS, 128), relu(), block(), block(), dense(128, CLASSES)],
    'concat of a relu and a tanh branch': [
      concat([
        [dense(PIXELS, 128), relu()],
        [dense(PIXELS, 64), tanh()],
      ]),
      dense(192, CLASSES),
    ],
  };
  const rows = [];
  for (const [name, layers] of Object.entries(models)) {
    say(name);
    const float = await trained(layers, EPOCHS.other);
    rows.push([
      name,
      ...score(float, quantize(float, await calibrate(float, calibrationRows, { method: 'mse' }))),
    ]);
  }
  return rows;
}

say('784-256-128-10, relu');
const base = await trained(mlp(relu), EPOCHS.base);
const ranges = await calibrate(base, calibrationRows, { method: 'mse' });
const text = `# Accuracy on MNIST

Measured by \`node examples/mnist/score.mjs\` (the file is its output): 10,000 test images, calibration on
${CALIBRATION_ROWS} training rows, static int8 with one weight scale a channel and the \`mse\` observer where nothing else
is said. "Drop" is float accuracy less quantized accuracy in percentage points; SQNR compares the outputs. Every number
is the same on every CPU and kernel.

## Calibration methods

784-256-128-10, relu, ${EPOCHS.base} epochs; ten batches of 100 rows.

${table('method', await byMethod(base))}

## Modes, roundings and options

The same model. The output of \`output: 'int8'\` and \`'uint8'\` is compared after dequantizing. \`inputs: 'per-feature'\` is
made for tabular columns of different units; on pixels, many of which hardly vary in the calibration rows, it clips what
those rows did not show.

${table('option of `quantize`', byOption(base, ranges))}

## Activations and shapes

One model each, ${EPOCHS.other} epochs.

${table('layers', await byLayer())}
`;
writeFileSync(new URL('../../docs/accuracy.md', import.meta.url), text);
