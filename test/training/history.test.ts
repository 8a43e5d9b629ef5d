import { describe, expect, it } from 'vitest';
import { linear, MLP } from '../../lib/index';
import { train } from '../../lib/training';
import { trainingCurves, withTraining } from '../../lib/training/history';
import { moons } from './support';

const { graph } = new MLP([linear({ inFeatures: 2, outFeatures: 2 })]);
const epochs = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ epoch: i + 1, loss: 1 / (i + 3), accuracy: 0.5 }));

describe("a model's record", () => {
  it('holds what trained it, and the curve', async () => {
    const { model, history } = await train(
      new MLP([linear({ inFeatures: 2, outFeatures: 2 })]),
      moons(20, 1),
      {
        epochs: 2,
        optimizer: { type: 'sgd', learningRate: 0.1 },
        seed: 4,
      },
    );
    const loaded = await MLP.load(model.toBytes());
    expect(loaded.graph.record).toEqual([
      {
        step: 'train',
        loss: 'crossEntropy',
        optimizer: 'sgd',
        learningRate: 0.1,
        momentum: 0,
        batchSize: 64,
        seed: 4,
        history: history.map(({ epoch, loss, accuracy }) => ({
          epoch,
          loss: Number(loss.toPrecision(6)),
          accuracy,
        })),
      },
    ]);
    expect(trainingCurves(loaded.graph.record)).toEqual([
      { step: 'train', epochs: (loaded.graph.record[0] as never as { history: [] }).history },
    ]);
  });

  it('thins out long curves, keeping both ends', () => {
    const kept = trainingCurves(withTraining(graph, { step: 'train' }, epochs(10_000)).record)[0]!.epochs;
    expect(kept).toHaveLength(200);
    expect(kept[0]!.epoch).toBe(1);
    expect(kept.at(-1)!.epoch).toBe(10_000);
    expect(new Set(kept.map(({ epoch }) => epoch)).size).toBe(200);
  });

  it.each([
    undefined,
    1,
    'x',
    [],
    [null],
    [{ epoch: 1 }],
    [{ epoch: 1, loss: 'x' }],
    [{ epoch: 1.5, loss: 1 }],
  ])('history %o of a strange file is passed over', (history) => {
    expect(trainingCurves([{ step: 'train', history }])).toEqual([]);
  });
});
