import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { kernels } from '../../lib/kernels';

const dist = path.join(__dirname, '../../dist');

/** Of both trainings below: the bits of today are those of every version to come (docs/numerics.md). */
const WEIGHTS = 'bb8d3597c2b31e1cf05fe61eced727cd9767d5a62a2907dacf474ec7d5fb7ae9';

/** Trains, calibrates, quantizes and runs in a process of its own; prints one hash over all of it. */
const JOB = `
const { createHash } = require('node:crypto');
const { MLP, linear, layerNorm, gelu, relu, softmax, calibrate, quantize } = require('${dist}/index.js');
const { train } = require('${dist}/training.js');
const { kernels } = require('${dist}/kernels.js');
(async () => {
  const inputs = Float32Array.from({ length: 300 * 17 }, (_, i) => ((i * 2654435761) % 1000) / 500 - 1);
  const targets = Uint8Array.from({ length: 300 }, (_, i) => (inputs[i * 17] > 0 ? 1 : inputs[i * 17 + 1] > 0 ? 2 : 0));
  const model = new MLP([linear({ inFeatures: 17, outFeatures: 33 }), layerNorm({ features: 33, weight: new Float32Array(33).fill(1), bias: new Float32Array(33) }), gelu(), linear({ inFeatures: 33, outFeatures: 70 }), relu(), linear({ inFeatures: 70, outFeatures: 3 }), softmax()], { seed: 4 });
  const hash = createHash('sha256');
  const weights = createHash('sha256');
  for (const optimizer of [{ type: 'adam', learningRate: 0.01 }, { type: 'sgd', learningRate: 0.05, momentum: 0.9 }]) {
    const trained = (await train(model, { inputs, targets }, { epochs: 3, batchSize: 32, optimizer, seed: 2 })).model;
    hash.update(trained.toBytes()).update(trained.runSync(inputs));
    for (const { weight, bias } of trained.layers) for (const part of [weight, bias]) if (part) weights.update(part);
    const ranges = await calibrate(trained, inputs);
    for (const options of [{}, { mode: 'dynamic' }, { mode: 'weight-only' }, { rounding: 'float32' }, { inputs: 'per-feature' }]) {
      const int8 = quantize(trained, ranges, options);
      hash.update(int8.toBytes()).update(int8.runSync(inputs));
    }
  }
  console.log(JSON.stringify({ kernel: kernels().active, hash: hash.digest('hex'), weights: weights.digest('hex') }));
})();`;

/** Layers wide enough to be shared by threads. */
const WIDE = `
const { createHash } = require('node:crypto');
const { MLP, linear, relu } = require('${dist}/index.js');
const { train } = require('${dist}/training.js');
(async () => {
  const inputs = Uint8Array.from({ length: 256 * 300 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  const targets = Uint8Array.from({ length: 256 }, (_, i) => i % 10);
  const model = new MLP([linear({ inFeatures: 300, outFeatures: 400 }), relu(), linear({ inFeatures: 400, outFeatures: 10 })]);
  const hash = createHash('sha256');
  for (const optimizer of [{ type: 'adam', learningRate: 0.001 }, { type: 'sgd', learningRate: 1e-5, momentum: 0.9 }])
    hash.update((await train(model, { inputs, targets }, { epochs: 2, optimizer })).model.toBytes());
  console.log(hash.digest('hex'));
})();`;

describe('a seed', () => {
  it('gives the same weights for every number of threads', () => {
    const hashes = ['1', '2', '5'].map((threads) =>
      execFileSync(process.execPath, ['-e', WIDE], {
        env: { ...process.env, REQUANT_THREADS: threads },
        encoding: 'utf8',
      }),
    );
    expect(new Set(hashes).size).toBe(1);
  });

  it('gives the same weights, files and outputs on every kernel', () => {
    const results = kernels().available.map((kernel) => {
      const env = { ...process.env, REQUANT_KERNEL: kernel };
      const result = JSON.parse(execFileSync(process.execPath, ['-e', JOB], { env, encoding: 'utf8' })) as {
        kernel: string;
        hash: string;
        weights: string;
      };
      expect(result.kernel).toBe(kernel);
      expect(result.weights).toBe(WEIGHTS);
      return result.hash;
    });
    expect(results.length).toBeGreaterThan(0);
    expect(new Set(results).size).toBe(1);
  });
});
