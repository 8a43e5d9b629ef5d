import { describe, expect, it } from 'vitest';
import {
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
import { type TrainQuantizedOptions, trainQuantized } from '../../../lib/training';
import { expectSameBytes } from '../../support/bytes';
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
    // The loss of the last validation, from the served model's own outputs.
    const { history: next } = await trainQuantized(model, data, { ...options, epochs: 1 });
    expect(next).toHaveLength(1);
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
