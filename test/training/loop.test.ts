import { describe, expect, it } from 'vitest';
import type { Progress } from '../../lib/index';
import { checkJob, type LoopOptions } from '../../lib/training/job';
import { copyState, runTraining } from '../../lib/training/loop';
import { expectError, expectRejection } from '../support/errors';
import { Checksum, moons } from './support';

const SHAPE = { inFeatures: 2, outFeatures: 2 };
const job = (options: LoopOptions, rows = 10) => checkJob(SHAPE, moons(rows, 1), options, []);

describe('runTraining', () => {
  it('gives each epoch every row once, in batches, and judges the validation rows after it', async () => {
    const learner = new Checksum();
    const history = await runTraining(learner, job({ epochs: 2, batchSize: 4, validation: moons(6, 2) }));
    const epoch = ['step 4', 'step 4', 'step 2', 'judge 4', 'judge 2'];
    expect(learner.calls).toEqual(['epoch 1', ...epoch, 'epoch 2', ...epoch]);
    expect(history).toEqual([
      { epoch: 1, loss: 1, accuracy: 4 / 6, validationLoss: 1 },
      { epoch: 2, loss: 1, accuracy: 4 / 6, validationLoss: 1 },
    ]);
  });

  it('takes the rows in an order that the seed decides', async () => {
    const sums = [];
    for (const seed of [1, 1, 2]) {
      const learner = new Checksum();
      await runTraining(learner, job({ epochs: 3, seed }, 100));
      sums.push([...learner.sums]);
    }
    expect(sums[0]).toEqual(sums[1]);
    expect(sums[0]).not.toEqual(sums[2]);
  });

  it('shows loss, accuracy and rows per second of the epoch so far', async () => {
    const shown: Progress[] = [];
    await runTraining(new Checksum(), job({ epochs: 1, batchSize: 5, onProgress: (p) => shown.push(p) }));
    expect(shown).toEqual([
      { step: 'epoch 1/1', done: 5, total: 10, loss: 1, accuracy: 0.8, rowsPerSecond: expect.any(Number) },
      { step: 'epoch 1/1', done: 10, total: 10, loss: 1, accuracy: 0.8, rowsPerSecond: expect.any(Number) },
    ]);
  });

  it('ends where the loss of a batch or of the validation rows is not finite', async () => {
    const bad = () => new Checksum((row) => (row === 7 ? Number.POSITIVE_INFINITY : 1));
    await expectRejection(runTraining(bad(), job({ epochs: 2 })), 'ERR_DIVERGED', /epoch 1; try a smaller/);
    await expectRejection(
      runTraining(bad(), job({ epochs: 2, validation: moons(8, 1) }, 5)),
      'ERR_DIVERGED',
      /epoch 1/,
    );
  });
});

describe('copyState', () => {
  it('copies arrays of the same names, types and lengths', () => {
    const [own, a, b] = [new Float32Array(2), Float32Array.of(1, 2), Int8Array.of(3)];
    const target = { a: own, b: new Int8Array(1) };
    copyState(target, { a, b });
    expect(target).toEqual({ a, b });
    expect(target.a).toBe(own);
  });

  it.each([
    [{}, /'a': Float32Array of length 2 but received 'none'/],
    [{ a: new Float32Array(3) }, /received 'Float32Array of length 3'/],
    [{ a: new Int32Array(2) }, /received 'Int32Array of length 2'/],
    [{ a: new Float32Array(2), constructor: new Int8Array(1) }, /'constructor'/],
  ])('refuses %o', (from, message) => {
    expectError(() => copyState({ a: new Float32Array(2) }, from as never), 'ERR_FORMAT', message);
  });
});
