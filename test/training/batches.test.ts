import { describe, expect, it } from 'vitest';
import { type BatchOptions, batches } from '../../lib/training';
import { checkDataset } from '../../lib/training/dataset';
import { runTraining } from '../../lib/training/loop';
import { expectError } from '../support/errors';
import { Checksum } from './support';

/** Row r is [r, r + 100], its target r. */
const data = {
  inputs: Float32Array.from({ length: 20 }, (_, i) => (i >> 1) + 100 * (i % 2)),
  targets: Uint8Array.from({ length: 10 }, (_, i) => i),
};

describe('batches', () => {
  it('come in the order in which training takes the rows', async () => {
    const taken: number[][] = [];
    const learner = new Checksum();
    const step = learner.step.bind(learner);
    learner.step = (set, rows) => {
      taken.push([...rows]);
      return step(set, rows);
    };
    const checked = checkDataset('data', data, 2, 10);
    const common = { signal: undefined, onProgress: undefined, keeper: undefined, validation: undefined };
    await runTraining(learner, { data: checked, epochs: 3, batchSize: 4, seed: 9, ...common });

    const given = [...batches(data, { rows: 10, batchSize: 4, seed: 9, epochs: 3 })];
    expect(given.map(({ targets }) => [...targets])).toEqual(taken);
    for (const { inputs, targets } of given)
      expect([...inputs]).toEqual([...targets].flatMap((row) => [row, row + 100]));
    expect(given[0]!.targets).toBeInstanceOf(Uint8Array);
  });

  it.each([
    ['ERR_ARGUMENT', undefined],
    ['ERR_ARGUMENT', { rows: 0 }],
    ['ERR_ARGUMENT', { rows: 10, batchSize: 0 }],
    ['ERR_ARGUMENT', { rows: 10, epochs: 0.5 }],
    ['ERR_ARGUMENT', { rows: 10, shuffle: false }],
    ['ERR_SHAPE', { rows: 3 }],
    ['ERR_SHAPE', { rows: 20 }],
  ] as const)('%s: %o, at once', (code, options) => {
    expectError(() => batches(data, options as BatchOptions), code);
  });
});
