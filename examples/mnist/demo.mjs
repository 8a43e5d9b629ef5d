// The whole path on real data: train a float MLP on MNIST, calibrate, quantize, save, load, compare.
//   npm run demo            a table
//   npm run demo -- --json  one JSON object as the last line
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { calibrate, linear, MLP, QuantizedMLP, quantize, relu } from 'requant';
import { kernels } from 'requant/kernels';
import { train } from 'requant/training';
import { agreement, CLASSES, mnist, PIXELS, predictions } from './mnist.mjs';

const EPOCHS = 8;
const CALIBRATION_ROWS = 1000;
const json = process.argv.includes('--json');
const say = (text) => process.stderr.write(text);

function progress({ step, done, total, loss }) {
  if (process.stderr.isTTY)
    say(`\r  ${step}  ${Math.round((100 * done) / total)} %  loss ${loss.toFixed(4)} `);
}

async function trainFloat(data, validation) {
  const layers = [
    linear({ inFeatures: PIXELS, outFeatures: 256 }),
    relu(),
    linear({ inFeatures: 256, outFeatures: 128 }),
    relu(),
    linear({ inFeatures: 128, outFeatures: CLASSES }),
  ];
  const options = {
    epochs: EPOCHS,
    batchSize: 128,
    optimizer: { type: 'adam', learningRate: 0.001 },
    validation,
  };
  const { model, history } = await train(new MLP(layers, { seed: 1 }), data, {
    ...options,
    onProgress: progress,
  });
  if (process.stderr.isTTY) say('\r\x1b[K');
  for (const { epoch, loss, accuracy } of history)
    say(`  epoch ${epoch}: loss ${loss.toFixed(4)}, test accuracy ${percent(accuracy)}\n`);
  return model;
}

/** Median time of a call in µs, float and int8 in turn so that both see the same machine. */
function medianMicros(models, inputs, batch) {
  const input = inputs.slice(0, batch * PIXELS);
  const output = new Float32Array(batch * CLASSES);
  const rounds = batch === 1 ? 2000 : 300;
  const times = models.map(() => []);
  for (let round = 0; round < rounds + 50; round++) {
    models.forEach((model, i) => {
      const start = process.hrtime.bigint();
      model.runSync(input, output);
      if (round >= 50) times[i].push(Number(process.hrtime.bigint() - start) / 1000);
    });
  }
  return times.map((list) => list.sort((a, b) => a - b)[list.length >> 1]);
}

const percent = (share) => `${(100 * share).toFixed(2)} %`;

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
    )
    .join('\n');
}

const folder = mkdtempSync(path.join(tmpdir(), 'requant-demo-'));
try {
  say('Training 784-256-128-10 on 60,000 MNIST digits\n');
  const data = mnist('train');
  const test = mnist('t10k');
  const float = await trainFloat(data, test);

  say(`Calibrating on ${CALIBRATION_ROWS} training rows, quantizing, saving, loading\n`);
  const ranges = await calibrate(float, data.inputs.subarray(0, CALIBRATION_ROWS * PIXELS));
  const files = {
    float: path.join(folder, 'mnist.safetensors'),
    int8: path.join(folder, 'mnist.int8.safetensors'),
  };
  await float.save(files.float);
  await quantize(float, ranges).save(files.int8);
  const int8 = await QuantizedMLP.load(files.int8);

  const [floatClasses, int8Classes] = [float, int8].map((model) => predictions(model.runSync(test.inputs)));
  const [float1, int81] = medianMicros([float, int8], test.inputs, 1);
  const [float128, int8128] = medianMicros([float, int8], test.inputs, 128);
  const result = {
    floatAccuracy: agreement(floatClasses, test.targets),
    int8Accuracy: agreement(int8Classes, test.targets),
    agreement: agreement(floatClasses, int8Classes),
    floatBytes: statSync(files.float).size,
    int8Bytes: statSync(files.int8).size,
    floatMicros: { 1: float1, 128: float128 },
    int8Micros: { 1: int81, 128: int8128 },
    kernel: kernels().active,
  };

  if (json) {
    console.log(JSON.stringify(result));
  } else {
    const ratio = (a, b) => `${(a / b).toFixed(2)}×`;
    const micros = (value) => `${value.toFixed(1)} µs`;
    console.log(
      table([
        [`kernel ${result.kernel}`, 'float32', 'int8', 'float32 / int8'],
        ['accuracy on 10,000 test images', percent(result.floatAccuracy), percent(result.int8Accuracy), ''],
        ['same class as float32', '', percent(result.agreement), ''],
        [
          'file',
          `${result.floatBytes} B`,
          `${result.int8Bytes} B`,
          ratio(result.floatBytes, result.int8Bytes),
        ],
        ['median latency, batch 1', micros(float1), micros(int81), ratio(float1, int81)],
        ['median latency, batch 128', micros(float128), micros(int8128), ratio(float128, int8128)],
      ]),
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
