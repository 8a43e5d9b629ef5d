import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  calibrationFromJSON,
  clip,
  concat,
  gelu,
  type Layer,
  layerNorm,
  linear,
  MLP,
  QuantizedMLP,
  quantize,
  relu,
  relu6,
  residual,
  sigmoid,
  softmax,
  tanh,
} from '../../../lib/index';
import { type TrainQuantizedOptions, train, trainQuantized } from '../../../lib/training';
import { expectSameBytes } from '../../support/bytes';
import { expectRejection } from '../../support/errors';
import { Seeded } from '../../support/random';

const dense = (inFeatures: number, outFeatures: number) => linear({ inFeatures, outFeatures });
const ROWS = 300;
const inputs = new Seeded(41).normals(ROWS * 12);
/** Which of three sums is the largest. */
const targets = Uint8Array.from({ length: ROWS }, (_, r) => {
  const x = inputs.subarray(12 * r, 12 * r + 12);
  const sums = [0, 4, 8].map((k) => x[k]! + x[k + 1]! * x[k + 2]! - x[k + 3]!);
  return sums.indexOf(Math.max(...sums));
});
const data = { inputs, targets };

const MODELS: Readonly<Record<string, () => Layer[]>> = {
  relu: () => [dense(12, 24), relu(), dense(24, 20), relu(), dense(20, 3)],
  'relu6 and clip': () => [dense(12, 24), relu6(), dense(24, 20), clip(-0.5, 1), dense(20, 3)],
  'tables, softmax': () => [dense(12, 24), tanh(), dense(24, 20), gelu(), dense(20, 3), softmax()],
  'residual and concat': () => [
    concat([
      [dense(12, 10), relu()],
      [dense(12, 8), sigmoid()],
    ]),
    residual([dense(18, 18), relu()]),
    dense(18, 3),
  ],
  'layer norm': () => [
    dense(12, 20),
    residual([
      layerNorm({ features: 20, weight: new Float32Array(20).fill(1), bias: new Float32Array(20) }),
      dense(20, 20),
      relu(),
    ]),
    dense(20, 3),
  ],
};

const OPTIONS: Readonly<Record<string, Partial<TrainQuantizedOptions>>> = {
  '8/8': {},
  '4/4': { weightBits: 4, activationBits: 4 },
  '3/8, per tensor': { weightBits: 3, weights: 'per-tensor' },
  '2/8': { weightBits: 2 },
  'ternary/4': { weightBits: 'ternary', activationBits: 4 },
  'pact, 4/4': { method: 'pact', weightBits: 4, activationBits: 4 },
  'ema, 8/8': { method: 'ema' },
  'ema, 4/4, after a delay': { method: 'ema', weightBits: 4, activationBits: 4, delay: 10 },
  e4m3fn: { format: 'e4m3fn' },
  'e5m2, ema': { format: 'e5m2', method: 'ema' },
  '3m4e, learned': { format: { mantissa: 3, exponent: 4 }, learnFormat: true },
};

const options = { epochs: 3, batchSize: 20, optimizer: { type: 'adam', learningRate: 0.01 } } as const;

describe.each(Object.entries(MODELS))('%s', (_, layers) => {
  it.each(Object.entries(OPTIONS))('%s: what is served is what was trained', async (_name, own) => {
    const { model, calibration, history } = await trainQuantized(new MLP(layers(), { seed: 3 }), data, {
      ...options,
      ...own,
      validation: data,
    });
    using served = quantize(model, calibration);
    const outputs = served.runSync(inputs);
    let right = 0;
    for (let r = 0; r < ROWS; r++) {
      const row = outputs.subarray(3 * r, 3 * r + 3);
      if (row.indexOf(Math.max(...row)) === targets[r]) right++;
    }
    expect(right / ROWS).toBe(history.at(-1)!.accuracy);
    using loaded = await QuantizedMLP.load(served.toBytes());
    expectSameBytes(loaded.runSync(inputs), outputs);
  });
});

const hash = (model: MLP) => createHash('sha256').update(model.toBytes()).digest('hex');
const net = () => new MLP(MODELS['relu']!(), { seed: 3 });

it('the argument is untouched; the record and the wishes say what was trained', async () => {
  const model = net();
  const before = hash(model);
  const { model: trained, calibration } = await trainQuantized(model, data, { ...options, weightBits: 4 });
  expect(hash(model)).toBe(before);
  expect(trained.graph.record.at(-1)).toMatchObject({ step: 'trainQuantized', method: 'lsq', weightBits: 4 });
  expect(trained.layers[0]!.quantization).toMatchObject({ bits: 4, activationBits: 8 });
  expect(calibration.rows).toBe(ROWS);
  expect(calibration.kept).toEqual(inputs);
  // Files keep all of it: weights and ranges.
  const loaded = await MLP.load(trained.toBytes());
  using served = quantize(trained, calibration);
  using again = quantize(loaded, calibrationFromJSON(calibration.toJSON()));
  expectSameBytes(again.toBytes(), served.toBytes());
});

it('loss falls, and 4 bits regain what they cost without training', async () => {
  const float = (await train(net(), data, { ...options, epochs: 30 })).model;
  const accuracy = (history: readonly { accuracy?: number }[]) => history.at(-1)!.accuracy!;
  const { history } = await trainQuantized(float, data, {
    ...options,
    epochs: 10,
    weightBits: 4,
    activationBits: 4,
  });
  expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss);
  expect(accuracy(history)).toBeGreaterThan(0.9);
});

it('learned bits of mantissa are the layer’s own format in the end', async () => {
  const format = { mantissa: 1, exponent: 6 };
  const long = { ...options, epochs: 12, stepRate: 5 };
  const { model } = await trainQuantized(net(), data, { ...long, format, learnFormat: true });
  const formats = model.graph.nodes.flatMap((node) =>
    node.op === 'linear' ? [node.quantization!.format] : [],
  );
  for (const own of formats as { mantissa: number; exponent: number }[])
    expect(own.mantissa + own.exponent).toBe(7);
  expect(formats).not.toEqual([format, format, format]);
});

it.each([
  {},
  { method: 'pact', weightBits: 4, activationBits: 4 },
  { method: 'ema', delay: 5 },
  { format: { mantissa: 3, exponent: 4 }, learnFormat: true },
  { layers: 'tables, softmax', weightBits: 4 },
  { layers: 'layer norm', format: 'float32' },
] as const)('a run that was cut off ends with the bits of one that was not: %o', async (given) => {
  const { layers, ...own } = { layers: 'relu', ...given };
  const first = () => new MLP(MODELS[layers]!(), { seed: 3 });
  const folder = mkdtempSync(path.join(tmpdir(), 'requant-qat-'));
  const all = { ...options, ...own, seed: 4, checkpoint: path.join(folder, 'run.safetensors') };
  try {
    const whole = await trainQuantized(first(), data, { ...options, ...own, seed: 4 });
    for (const batches of [2, 8, 15]) {
      const controller = new AbortController();
      let left = batches;
      const onProgress = () => {
        if (--left === 0) controller.abort('a part');
      };
      await expect(
        trainQuantized(first(), data, { ...all, onProgress, signal: controller.signal }),
      ).rejects.toBe('a part');
      const rest = await trainQuantized(first(), data, { ...all, resume: true });
      expect(hash(rest.model)).toBe(hash(whole.model));
      expect(rest.calibration.toJSON()).toEqual(whole.calibration.toJSON());
      expect(rest.history).toEqual(whole.history);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('a learning rate far too large is ERR_DIVERGED', async () => {
  const optimizer = { type: 'sgd', learningRate: 1e30 } as const;
  await expectRejection(trainQuantized(net(), data, { ...options, optimizer }), 'ERR_DIVERGED');
});

it('bytes are rows too, and a model of one layer', async () => {
  const bytes = Uint8Array.from(inputs, (x) => 128 + 30 * x);
  const one = new MLP([dense(12, 3)], { seed: 1 });
  const { model, calibration } = await trainQuantized(
    one,
    { inputs: bytes, targets },
    { epochs: 1, weightBits: 2 },
  );
  using served = quantize(model, calibration);
  expect(served.runSync(Float32Array.from(bytes))).toHaveLength(3 * ROWS);
});
