import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  concat,
  layerNorm,
  linear,
  logSoftmax,
  MLP,
  relu,
  residual,
  sigmoid,
  softmax,
  tanh,
} from '../../lib/index';
import type { LayerNormNode, Node } from '../../lib/models/graph';
import { Random } from '../../lib/random';
import { train } from '../../lib/training';
import { moons } from './support';

const net = () =>
  new MLP([linear({ inFeatures: 2, outFeatures: 16 }), relu(), linear({ inFeatures: 16, outFeatures: 2 })], {
    seed: 3,
  });
const hash = (model: MLP) => createHash('sha256').update(model.toBytes()).digest('hex');

describe('train', () => {
  it('learns two moons with Adam and with SGD with momentum', async () => {
    const [data, validation] = [moons(400, 1), moons(200, 2)];
    const optimizers = [
      { type: 'adam', learningRate: 0.01 },
      { type: 'sgd', learningRate: 0.1, momentum: 0.9 },
    ] as const;
    for (const optimizer of optimizers) {
      const { history } = await train(net(), data, { epochs: 30, batchSize: 16, optimizer, validation });
      expect(history).toHaveLength(30);
      expect(history.at(-1)!.accuracy).toBeGreaterThan(0.98);
      expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss / 3);
    }
  });

  it('gives the same bits for the same seed, others for another, and leaves its argument alone', async () => {
    const model = net();
    const before = hash(model);
    const options = { epochs: 2, batchSize: 24, seed: 5 };
    const hashes = [];
    for (const o of [options, options, { ...options, seed: 6 }])
      hashes.push(hash((await train(model, moons(100, 1), o)).model));
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[0]).not.toBe(hashes[2]);
    expect(hash(model)).toBe(before);
  });

  it('regresses values by mean squared error', async () => {
    const inputs = Float32Array.from({ length: 256 }, (_, i) => i / 128 - 1);
    const targets = inputs.map((x) => x * x);
    const model = new MLP([
      linear({ inFeatures: 1, outFeatures: 16 }),
      tanh(),
      linear({ inFeatures: 16, outFeatures: 1 }),
    ]);
    const { history } = await train(
      model,
      { inputs, targets },
      { epochs: 200, optimizer: { type: 'adam', learningRate: 0.02 } },
    );
    expect(history.at(-1)!.loss).toBeLessThan(1e-3);
    expect(history.at(-1)).not.toHaveProperty('accuracy');
  });

  it('takes cross-entropy of the logits behind a last softmax', async () => {
    const layers = (last: ReturnType<typeof softmax>[]) => [
      linear({ inFeatures: 2, outFeatures: 2, name: 'l' }),
      ...last,
    ];
    const losses = [];
    for (const last of [[], [softmax()], [logSoftmax()]]) {
      const { history } = await train(new MLP(layers(last), { seed: 1 }), moons(50, 1), { epochs: 2 });
      losses.push(history.map((h) => h.loss));
    }
    expect(losses[1]).toEqual(losses[0]);
    expect(losses[2]).toEqual(losses[0]);
  });

  it('takes bytes as inputs and gives progress', async () => {
    const steps: string[] = [];
    const data = { inputs: Uint8Array.of(0, 1, 2, 3, 250, 251), targets: Uint8Array.of(0, 0, 1) };
    await train(net(), data, {
      epochs: 2,
      batchSize: 2,
      onProgress: (p) => steps.push(`${p.step} ${p.done}/${p.total}`),
    });
    expect(steps).toEqual(['epoch 1/2 2/3', 'epoch 1/2 3/3', 'epoch 2/2 2/3', 'epoch 2/2 3/3']);
  });

  it('rejects with the reason of an abort, before and during the work', async () => {
    const reason = new Error('enough');
    await expect(train(net(), moons(10, 1), { epochs: 1, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 30);
    await expect(train(net(), moons(2000, 1), { epochs: 100_000, signal: controller.signal })).rejects.toBe(
      reason,
    );
  });

  it.each([
    ['ERR_ARGUMENT', { inputs: new Float32Array(0), targets: new Uint8Array(0) }, { epochs: 1 }],
    ['ERR_ARGUMENT', { inputs: new Float32Array(4), targets: Uint8Array.of(0, 2) }, { epochs: 1 }],
    ['ERR_SHAPE', { inputs: new Float32Array(3), targets: Uint8Array.of(0) }, { epochs: 1 }],
    ['ERR_SHAPE', { inputs: new Float32Array(4), targets: Uint8Array.of(0) }, { epochs: 1 }],
    ['ERR_SHAPE', { inputs: new Float32Array(4), targets: new Float32Array(3) }, { epochs: 1 }],
    ['ERR_ARGUMENT', moons(4, 1), { epochs: 0 }],
    ['ERR_ARGUMENT', moons(4, 1), { epochs: 1, batchSize: 0 }],
    ['ERR_ARGUMENT', moons(4, 1), { epochs: 1, optimizer: { type: 'sgd', learningRate: -1 } }],
    ['ERR_ARGUMENT', moons(4, 1), { epochs: 1, optimizer: { type: 'sgd', learningRate: 1, momentum: 1 } }],
    [
      'ERR_DIVERGED',
      moons(64, 1),
      { epochs: 50, loss: 'mse', optimizer: { type: 'sgd', learningRate: 1e30 } },
    ],
  ] as const)('%s', async (code, data, options) => {
    await expect(train(net(), data, options)).rejects.toMatchObject({ code });
  });
});

describe('gradients', () => {
  /** One SGD step with rate 1 moves each weight by minus its gradient. */
  it('equal finite differences through every kind of node', async () => {
    const model = new MLP(
      [
        linear({ inFeatures: 3, outFeatures: 4, name: 'a' }),
        residual([linear({ inFeatures: 4, outFeatures: 4, name: 'b' }), sigmoid()]),
        concat([
          [tanh()],
          [linear({ inFeatures: 4, outFeatures: 2, name: 'c' }), softmax()],
          [logSoftmax()],
          [],
        ]),
        linear({ inFeatures: 14, outFeatures: 2, name: 'd' }),
      ],
      { seed: 7 },
    );
    const random = new Random(9);
    const inputs = Float32Array.from({ length: 15 }, () => random.uniform() - 0.5);
    const targets = Float32Array.from({ length: 10 }, () => random.uniform() - 0.5);
    const { model: stepped } = await train(
      model,
      { inputs, targets },
      { epochs: 1, batchSize: 5, optimizer: { type: 'sgd', learningRate: 1 } },
    );

    const loss = (m: MLP) =>
      m.runSync(inputs).reduce((sum, y, i) => sum + (y - targets[i]!) ** 2, 0) / targets.length;
    for (const name of ['a', 'b', 'c', 'd']) {
      const weightOf = (m: MLP) =>
        (m.graph.nodes.find((node) => node.name === name) as { weight: { data: Float32Array } }).weight.data;
      const [before, after] = [weightOf(model), weightOf(stepped)];
      for (let i = 0; i < before.length; i++) {
        const moved = (by: number) => {
          const nodes = model.graph.nodes.map((node) =>
            node.name === name && node.op === 'linear'
              ? {
                  ...node,
                  weight: { format: 'float32' as const, data: before.map((w, j) => (i === j ? w + by : w)) },
                }
              : node,
          );
          return loss(MLP.fromGraph({ ...model.graph, nodes }));
        };
        const numeric = (moved(0.01) - moved(-0.01)) / 0.02;
        expect(before[i]! - after[i]!).toBeCloseTo(numeric, 4);
      }
    }
  });

  it('of layer norms, their weights and biases equal finite differences', async () => {
    const random = new Random(10);
    const numbers = (length: number, from: number) =>
      Float32Array.from({ length }, () => from + random.uniform());
    const norm = (features: number, name: string) => ({
      ...layerNorm({
        features,
        weight: numbers(features, 0.5),
        bias: numbers(features, -0.5),
        epsilon: 0.01,
      }),
      name,
    });
    const model = new MLP(
      [
        norm(3, 'first'),
        linear({ inFeatures: 3, outFeatures: 5, name: 'a' }),
        norm(5, 'n'),
        tanh(),
        residual([
          layerNorm({ features: 5, epsilon: 0.1 }),
          linear({ inFeatures: 5, outFeatures: 5, name: 'b' }),
        ]),
        linear({ inFeatures: 5, outFeatures: 2, name: 'c' }),
      ],
      { seed: 8 },
    );
    const inputs = numbers(15, -0.5);
    const targets = numbers(10, -0.5);
    const optimizer = { type: 'sgd', learningRate: 1 } as const;
    const { model: stepped } = await train(
      model,
      { inputs, targets },
      { epochs: 1, batchSize: 5, optimizer },
    );

    type Field = 'weight' | 'gamma' | 'beta';
    const read = (node: Node, field: Field): Float32Array =>
      node.op === 'linear' ? (node.weight.data as Float32Array) : (node as LayerNormNode)[field as 'gamma']!;
    const write = (node: Node, field: Field, data: Float32Array): Node =>
      node.op === 'linear'
        ? { ...node, weight: { format: 'float32', data } }
        : ({ ...node, [field]: data } as Node);
    const find = (m: MLP, name: string) => m.graph.nodes.find((node) => node.name === name)!;
    const loss = (m: MLP) =>
      m.runSync(inputs).reduce((sum, y, i) => sum + (y - targets[i]!) ** 2, 0) / targets.length;

    for (const [name, field] of [
      ['first', 'gamma'],
      ['first', 'beta'],
      ['a', 'weight'],
      ['n', 'gamma'],
      ['n', 'beta'],
      ['b', 'weight'],
    ] as const) {
      const [before, after] = [model, stepped].map((m) => read(find(m, name), field)) as [
        Float32Array,
        Float32Array,
      ];
      for (let i = 0; i < before.length; i++) {
        const moved = (by: number) => {
          const data = before.map((w, j) => (i === j ? w + by : w));
          const nodes = model.graph.nodes.map((node) =>
            node.name === name ? write(node, field, data) : node,
          );
          return loss(MLP.fromGraph({ ...model.graph, nodes }));
        };
        const numeric = (moved(0.01) - moved(-0.01)) / 0.02;
        expect(before[i]! - after[i]!, `${name}.${field}[${i}]`).toBeCloseTo(numeric, 3);
      }
    }
    expect(find(stepped, '4.0')).toEqual(find(model, '4.0'));
  });
});
