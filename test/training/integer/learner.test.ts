import { describe, expect, it } from 'vitest';
import { checkDataset } from '../../../lib/training/dataset';
import { IntegerLearner } from '../../../lib/training/integer/learner';
import { expectError } from '../../support/errors';

const data = checkDataset(
  'data',
  {
    inputs: Uint8Array.from({ length: 40 }, (_, i) => i * 6),
    targets: Uint8Array.of(0, 1, 2, 0, 1, 2, 0, 1, 2, 0),
  },
  4,
  3,
);
const rows = Uint32Array.from({ length: 10 }, (_, i) => i);
const learner = () =>
  new IntegerLearner([4, 6, 3], data, {
    recipe: '8-8-8-8',
    epochs: 5,
    batchSize: 10,
    seed: 3,
    firstRate: -1,
  });

describe('an integer learner', () => {
  it('goes on from a state to the same bits', () => {
    const [one, other] = [learner(), learner()];
    for (let i = 0; i < 70; i++) one.step(data, rows);
    other.restore(structuredClone(one.state()));
    expect(other.state()).toEqual(one.state());
    for (const each of [one, other]) for (let i = 0; i < 5; i++) each.step(data, rows);
    expect(other.state()).toEqual(one.state());
  });

  it('refuses states that are not its own', () => {
    const { tensors, numbers } = learner().state();
    const refused = (change: object, other = numbers) =>
      expectError(
        () => learner().restore({ tensors: { ...tensors, ...change }, numbers: other }),
        'ERR_FORMAT',
      );
    refused({ '0.weight': new Int32Array(5) });
    refused({ '0.weight': new Int32Array(24).fill(40_000) });
    refused({ '1.bias': new Int32Array(3).fill(-(2 ** 31)) });
    refused({ activations: Int32Array.of(0, 99, 0, 0, 0) });
    refused({ activations: Int32Array.of(64, 3, 0, 0, 0) });
    refused({}, { steps: -1 });
  });
});
