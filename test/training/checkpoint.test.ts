import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors';
import { layerNorm, linear, MLP, relu } from '../../lib/index';
import { type Dataset, type TrainOptions, train } from '../../lib/training';
import { checkJob, type LoopOptions } from '../../lib/training/job';
import { runTraining } from '../../lib/training/loop';
import { expectRejection } from '../support/errors';
import { Checksum, moons } from './support';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'requant-checkpoint-'));
  file = path.join(folder, 'run.safetensors');
});
afterEach(() => rmSync(folder, { recursive: true }));

const SHAPE = { inFeatures: 2, outFeatures: 2 };
const job = (options: LoopOptions, data = moons(10, 1)) => checkJob(SHAPE, data, options, []);

const net = (seed = 3) =>
  new MLP(
    [
      linear({ inFeatures: 2, outFeatures: 5 }),
      layerNorm({ features: 5, weight: new Float32Array(5).fill(1), bias: new Float32Array(5) }),
      relu(),
      linear({ inFeatures: 5, outFeatures: 2 }),
    ],
    { seed },
  );
const hash = (model: MLP) => createHash('sha256').update(model.toBytes()).digest('hex');

/** Ends a run after so many batches, over and over, and resumes it until it has ended by itself. */
async function trainInParts(data: Dataset, options: TrainOptions, batches: number) {
  for (let resume = false; ; resume = true) {
    const controller = new AbortController();
    let left = batches;
    const onProgress = () => {
      if (--left === 0) controller.abort('a part');
    };
    try {
      return await train(net(), data, {
        ...options,
        resume,
        checkpoint: file,
        signal: controller.signal,
        onProgress,
      });
    } catch (reason) {
      expect(reason).toBe('a part');
    }
  }
}

describe('a run that was cut off', () => {
  it.each([
    { type: 'adam', learningRate: 0.01 },
    { type: 'sgd', learningRate: 0.05, momentum: 0.9 },
  ] as const)('ends with the bits of one that was not: $type', async (optimizer) => {
    const data = moons(50, 1);
    const options = { epochs: 4, batchSize: 8, optimizer, seed: 5, validation: moons(20, 2) };
    const whole = await train(net(), data, options);
    // 7 batches an epoch: after one, within epochs, at their ends, and across them.
    for (const batches of [1, 3, 7, 10]) {
      const parts = await trainInParts(data, options, batches);
      expect(hash(parts.model)).toBe(hash(whole.model));
      expect(parts.history).toEqual(whole.history);
    }
    expect(readdirSync(folder)).toEqual(['run.safetensors']);
  });

  it('goes on with more epochs, and has nothing to do where all are done', async () => {
    const data = moons(50, 1);
    const whole = await train(net(), data, { epochs: 5 });
    await train(net(), data, { epochs: 2, checkpoint: file });
    for (const epochs of [5, 5, 3]) {
      const { model, history } = await train(net(), data, { epochs, checkpoint: file, resume: true });
      expect(hash(model)).toBe(hash(whole.model));
      expect(history).toEqual(whole.history);
    }
  });
});

describe('the checkpoint file', () => {
  it('is written within an epoch where the time has come', async () => {
    const learner = new Checksum();
    const positions: unknown[] = [];
    const onProgress = () => {
      try {
        positions.push(document().position);
      } catch {
        positions.push(undefined);
      }
    };
    await runTraining(
      learner,
      job({ epochs: 1, batchSize: 4, checkpoint: file, checkpointSeconds: 1e-9, onProgress }),
    );
    expect(positions).toEqual([
      undefined,
      { epoch: 1, done: 4, loss: 4, correct: 3 },
      { epoch: 1, done: 8, loss: 8, correct: 6 },
    ]);
    expect(document().position).toEqual({ epoch: 2, done: 0, loss: 0, correct: 0 });
  });

  it('keeps every number to the bit', async () => {
    const saved = new Checksum();
    const numbers = { steps: Number.NaN, a: Number.POSITIVE_INFINITY, b: -0, c: 0.1 + 0.2, d: 5e-324 };
    saved.state = () => ({ tensors: {}, numbers });
    await runTraining(saved, job({ epochs: 1, checkpoint: file }));
    const resumed = new Checksum();
    let found: object = {};
    resumed.restore = (state) => {
      found = state.numbers;
    };
    await runTraining(resumed, job({ epochs: 1, checkpoint: file, resume: true }));
    expect(found).toEqual(numbers);
  });

  it('is not touched by a run that was aborted before it began', async () => {
    await runTraining(new Checksum(), job({ epochs: 1, checkpoint: file }));
    const before = readFileSync(file);
    const signal = AbortSignal.abort('no');
    await expect(runTraining(new Checksum(), job({ epochs: 2, checkpoint: file, signal }))).rejects.toBe(
      'no',
    );
    expect(readFileSync(file)).toEqual(before);
  });

  it('refuses other data and options, and names them', async () => {
    const data = moons(50, 1);
    const options = { epochs: 1, batchSize: 16, seed: 1, validation: moons(8, 2), checkpoint: file };
    await train(net(), data, options);
    const resume = (changed: Partial<TrainOptions>, model = net(), rows = data) =>
      train(model, rows, { ...options, epochs: 2, resume: true, ...changed });
    await expectRejection(resume({ batchSize: 8 }), 'ERR_ARGUMENT', /batchSize 16, as in .* received 8/);
    await expectRejection(resume({ seed: 2 }), 'ERR_ARGUMENT', /seed 1,/);
    await expectRejection(resume({ loss: 'mse' }), 'ERR_ARGUMENT', /loss crossEntropy,.* 'mse'/);
    await expectRejection(
      resume({ optimizer: { type: 'adam', learningRate: 1 } }),
      'ERR_ARGUMENT',
      /learningRate 0.001,/,
    );
    await expectRejection(resume({ validation: moons(8, 3) }), 'ERR_ARGUMENT', /validation /);
    await expectRejection(
      train(net(), data, { epochs: 2, batchSize: 16, seed: 1, checkpoint: file, resume: true }),
      'ERR_ARGUMENT',
      /validation .* 'unset'/,
    );
    await expectRejection(resume({}, net(4)), 'ERR_ARGUMENT', /model /);
    await expectRejection(resume({}, net(), moons(51, 1)), 'ERR_ARGUMENT', /data /);
    await expect(resume({})).resolves.toBeDefined();
  });

  it('is looked for where it should be', async () => {
    const options = { epochs: 1, checkpoint: file, resume: true };
    await expectRejection(train(net(), moons(4, 1), options), 'ERR_IO');
    await expectRejection(
      train(net(), moons(4, 1), { epochs: 1, checkpoint: path.join(folder, 'none', 'x') }),
      'ERR_IO',
    );
  });

  it.each([
    [{ epochs: 1, resume: true }, /a path as checkpoint/],
    [{ epochs: 1, checkpointSeconds: 1 }, /a path as checkpoint/],
    [{ epochs: 1, checkpoint: 'x', checkpointSeconds: 0 }, /above 0/],
    [{ epochs: 1, checkpoint: 'x', resume: 'yes' }, /resume to be a boolean/],
    [{ epochs: 1, checkpoint: 7 }, /checkpoint to be a path/],
  ])('options %o', async (options, message) => {
    await expectRejection(train(net(), moons(4, 1), options as TrainOptions), 'ERR_ARGUMENT', message);
  });

  describe('that was damaged', () => {
    const resume = () => runTraining(new Checksum(), job({ epochs: 2, checkpoint: file, resume: true }));

    beforeEach(() => runTraining(new Checksum(), job({ epochs: 1, checkpoint: file })));

    it.each([
      ['version', 2, 'ERR_VERSION', /version 1/],
      ['version', undefined, 'ERR_FORMAT', /checkpoint.version/],
      ['extra', 1, 'ERR_FORMAT', /extra/],
      ['fingerprint', { kind: [] }, 'ERR_FORMAT', /fingerprint.kind/],
      ['position', { epoch: 2, done: 11, loss: 0 }, 'ERR_FORMAT', /position.done/],
      ['position', { epoch: 0, done: 0, loss: 0 }, 'ERR_FORMAT', /position.epoch/],
      ['position', { epoch: 3, done: 0, loss: 0 }, 'ERR_FORMAT', /history/],
      ['history', [{ epoch: 2, loss: 1 }], 'ERR_FORMAT', /history\[0\].epoch/],
      ['numbers', { steps: '1e' }, 'ERR_FORMAT', /numbers.steps/],
    ] as const)('%s: %o', async (key, value, code, message) => {
      rewrite({ [key]: value }, {});
      await expectRejection(resume(), code, message);
    });

    it.each([
      ['order', undefined],
      ['order', new Int32Array(10)],
      ['order', Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, -1)],
      ['order', Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 2 ** 30)],
      ['random', new Int32Array(3)],
      ['learner.sums', undefined],
      ['learner.other', new Int32Array(1)],
    ])('%s: %o', async (name, data) => {
      rewrite({}, { [name]: data });
      await expectRejection(resume(), 'ERR_FORMAT');
    });

    it('is another file, or cut short', async () => {
      const bytes = readFileSync(file);
      for (const other of [net().toBytes(), bytes.subarray(0, bytes.length - 1), new Uint8Array(3)]) {
        writeFileSync(file, other);
        await expectRejection(resume(), 'ERR_FORMAT');
      }
    });
  });
});

function document(): Record<string, unknown> {
  return JSON.parse(readSafetensors(readFileSync(file)).metadata['requant.checkpoint']!);
}

function rewrite(changes: object, arrays: Record<string, Int32Array | undefined>): void {
  const json = JSON.stringify({ ...document(), ...changes });
  const tensors = new Map(readSafetensors(readFileSync(file)).tensors);
  for (const [name, data] of Object.entries(arrays)) {
    if (data === undefined) tensors.delete(name);
    else tensors.set(name, { dtype: 'int32', shape: [data.length], data });
  }
  writeFileSync(file, writeSafetensors(tensors, { 'requant.checkpoint': json }));
}
