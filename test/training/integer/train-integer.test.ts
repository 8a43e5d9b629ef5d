import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { QuantizedMLP } from '../../../lib/index';
import { Random } from '../../../lib/random';
import { type Dataset, trainInteger } from '../../../lib/training';
import { expectRejection } from '../../support/errors';

/** Three classes of byte rows: the brightest third of the features names the class. */
function thirds(rows: number, seed: number): { inputs: Uint8Array; targets: Uint8Array } {
  const random = new Random(seed);
  const targets = Uint8Array.from({ length: rows }, () => random.below(3));
  const inputs = Uint8Array.from({ length: rows * 12 }, (_, i) => {
    const bright = targets[Math.floor(i / 12)] === Math.floor((i % 12) / 4);
    return bright ? 90 + random.below(166) : random.below(120);
  });
  return { inputs, targets };
}

const asFloats = ({ inputs, targets }: { inputs: Uint8Array; targets: Uint8Array }): Dataset => ({
  inputs: Float32Array.from(inputs, (x) => x / 64 - 2),
  targets,
});
const hash = (model: QuantizedMLP) => createHash('sha256').update(model.toBytes()).digest('hex');

/** Share of the rows that a served model names right. */
function served(model: QuantizedMLP, inputs: Float32Array | Uint8Array, targets: ArrayLike<number>): number {
  const y = model.runSync(inputs);
  let right = 0;
  for (let r = 0; r < targets.length; r++) {
    const logits = Array.from(y.subarray(3 * r, 3 * r + 3));
    right += Number(logits.indexOf(Math.max(...logits)) === targets[r]);
  }
  return right / targets.length;
}

describe('trainInteger', () => {
  const [data, validation] = [thirds(600, 1), thirds(300, 2)];

  it.each(['8-8-8-8', '2-8-8-8'] as const)('learns by %s, and serves what it learned', async (recipe) => {
    const options = { recipe, epochs: 12, batchSize: 16, validation };
    const { model, history } = await trainInteger([12, 20, 16, 3], data, options);
    expect(history).toHaveLength(12);
    expect(history.at(-1)!.accuracy).toBeGreaterThan(0.95);
    expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss);
    expect(model).toBeInstanceOf(QuantizedMLP);
    expect(served(model, Float32Array.from(validation.inputs), validation.targets)).toBe(
      history.at(-1)!.accuracy,
    );
    if (recipe === '8-8-8-8')
      expect(served(model, validation.inputs, validation.targets)).toBe(history.at(-1)!.accuracy);
    const loaded = await QuantizedMLP.load(model.toBytes());
    expect(loaded.runSync(Float32Array.from(validation.inputs))).toEqual(
      model.runSync(Float32Array.from(validation.inputs)),
    );
  });

  it('takes float32 inputs', async () => {
    const floats = asFloats(validation);
    const options = { epochs: 12, batchSize: 16, validation: floats };
    const { model, history } = await trainInteger([12, 20, 3], asFloats(data), options);
    expect(history.at(-1)!.accuracy).toBeGreaterThan(0.95);
    expect(served(model, floats.inputs, validation.targets)).toBe(history.at(-1)!.accuracy);
  });

  it('gives the same bits for the same seed, others for another', async () => {
    const hashes = [];
    for (const seed of [7, 7, 8])
      hashes.push(hash((await trainInteger([12, 9, 3], data, { epochs: 2, seed })).model));
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[0]).not.toBe(hashes[2]);
  });

  it('resumes from a checkpoint to the same bits', async () => {
    const checkpoint = path.join(tmpdir(), `requant-integer-${process.pid}.safetensors`);
    const whole = await trainInteger([12, 9, 3], data, { epochs: 3, batchSize: 50 });
    const abort = new AbortController();
    const cut = trainInteger([12, 9, 3], data, {
      epochs: 3,
      batchSize: 50,
      checkpoint,
      signal: abort.signal,
      onProgress: ({ step, done }) => {
        if (step.startsWith('epoch 2') && done === 300) abort.abort();
      },
    });
    await expect(cut).rejects.toThrow();
    const options = { epochs: 3, batchSize: 50, checkpoint, resume: true };
    const resumed = await trainInteger([12, 9, 3], data, options);
    expect(hash(resumed.model)).toBe(hash(whole.model));
    expect(resumed.history).toEqual(whole.history);
    await rm(checkpoint);
  });

  it('refuses what it cannot train', async () => {
    const options = { epochs: 1 };
    const nan = { inputs: new Float32Array(12).fill(Number.NaN), targets: Uint8Array.of(1) };
    const values = { inputs: new Float32Array(12), targets: new Float32Array(3) };
    await expectRejection(trainInteger([12], data, options), 'ERR_ARGUMENT');
    await expectRejection(trainInteger([12, 0, 3], data, options), 'ERR_ARGUMENT');
    await expectRejection(trainInteger([12, 40_000, 3], data, options), 'ERR_ARGUMENT');
    await expectRejection(trainInteger([12, 2], data, options), 'ERR_ARGUMENT');
    await expectRejection(trainInteger([12, 3], values, options), 'ERR_ARGUMENT');
    await expectRejection(trainInteger([12, 3], nan, options), 'ERR_NAN_INPUT');
    await expectRejection(
      trainInteger([12, 3], data, { ...options, optimizer: { type: 'sgd', learningRate: 0.1 } }),
      'ERR_ARGUMENT',
    );
    await expectRejection(trainInteger([12, 3], data, { ...options, loss: 'mse' }), 'ERR_ARGUMENT');
    await expectRejection(trainInteger([12, 3], data, { ...options, batchSize: 40_000 }), 'ERR_ARGUMENT');
  });
});
