import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { adaRound, gptq, prune } from '../../../lib/compression';
import { liveWeights, summary } from '../../../lib/compression/pruning/summary';
import { linearNodes } from '../../../lib/compression/rebuild';
import { calibrate, linear, MLP, quantize, relu } from '../../../lib/index';
import { type Dataset, train } from '../../../lib/training';
import { expectRejection } from '../../support/errors';
import { Seeded } from '../../support/random';

/** Eight clusters of four classes in 12 dimensions. */
function clusters(rows: number, seed: number): Dataset {
  const centres = new Seeded(1).normals(8 * 12, 1.2);
  const random = new Seeded(seed);
  const inputs = new Float32Array(rows * 12);
  const targets = new Uint8Array(rows);
  for (let r = 0; r < rows; r++) {
    const cluster = random.integer(0, 7);
    targets[r] = cluster % 4;
    for (let k = 0; k < 12; k++) inputs[r * 12 + k] = centres[cluster * 12 + k]! + random.normal();
  }
  return { inputs, targets };
}

const [data, validation] = [clusters(1200, 2), clusters(600, 3)];
let model: MLP;

beforeAll(async () => {
  const layers = [
    linear({ inFeatures: 12, outFeatures: 40, name: 'a' }),
    relu(),
    linear({ inFeatures: 40, outFeatures: 40, name: 'b' }),
    relu(),
    linear({ inFeatures: 40, outFeatures: 4, name: 'c' }),
  ];
  const options = { epochs: 12, optimizer: { type: 'adam', learningRate: 0.005 } } as const;
  ({ model } = await train(new MLP(layers, { seed: 1 }), data, options));
});

const accuracy = (tested: { runSync(rows: Float32Array): Float32Array }) => {
  const y = tested.runSync(validation.inputs as Float32Array);
  const right = validation.targets.filter((target: number, r: number) => {
    const row = [...y.subarray(4 * r, 4 * r + 4)];
    return row.indexOf(Math.max(...row)) === target;
  });
  return (100 * right.length) / 600;
};
const hash = (m: MLP) => createHash('sha256').update(m.toBytes()).digest('hex');

describe('prune', () => {
  it('the same bits for the same seed, and the argument is left alone', async () => {
    const before = hash(model);
    const options = { sparsity: 0.7, rows: 300, seed: 4, steps: 2, fineTune: { epochs: 1 } };
    const hashes = [];
    for (const seed of [4, 4, 5]) hashes.push(hash(await prune(model, data, { ...options, seed })));
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[0]).not.toBe(hashes[2]);
    expect(hash(model)).toBe(before);
  });

  it('says in the record what it did', async () => {
    const pruned = await prune(model, data, {
      sparsity: 0.5,
      unit: 'block',
      saliency: 'obd',
      scope: 'global',
    });
    expect(pruned.graph.record).toEqual([
      ...model.graph.record,
      {
        step: 'prune',
        saliency: 'obd',
        curvature: 'reconstruction',
        unit: 'block',
        sparsity: 0.5,
        scope: 'global',
        rows: 1200,
        layers: summary(pruned),
      },
    ]);
    const neurons = await prune(model, null, { sparsity: 0.5, unit: 'neuron', saliency: 'magnitude' });
    expect(neurons.graph.record.at(-1)).toMatchObject({ unit: 'neuron', neuronsBefore: { a: 40, b: 40 } });
  });

  it('fine-tuning keeps zeros, and wins back what was lost', async () => {
    const options = { sparsity: 0.9, saliency: 'magnitude', steps: 4 } as const;
    const bare = await prune(model, data, options);
    const fineTune = { epochs: 3, optimizer: { type: 'adam', learningRate: 0.003 } } as const;
    const tuned = await prune(model, data, { ...options, fineTune });
    expect(accuracy(tuned)).toBeGreaterThan(accuracy(bare));
    expect(liveWeights(tuned)).toBeLessThanOrEqual(Math.ceil(0.1 * liveWeights(model)) + 3);
  });

  it.each(['neuron', 'weight', 'block'] as const)('%s: as far as maxDrop allows', async (unit) => {
    const options = { unit, validation, steps: 10, saliency: 'obs' } as const;
    const sizes = [];
    for (const maxDrop of [0, 1, 10]) {
      const pruned = await prune(model, data, { ...options, maxDrop });
      expect(accuracy(model) - accuracy(pruned)).toBeLessThanOrEqual(maxDrop + 1e-9);
      expect(pruned.graph.record.at(-1)).toMatchObject({ step: 'prune', maxDrop });
      sizes.push(liveWeights(pruned));
    }
    expect(sizes[1]).toBeLessThanOrEqual(sizes[0]!);
    expect(sizes[2]).toBeLessThan(sizes[1]!);
    expect(sizes[2]).toBeLessThan(liveWeights(model) / 2);
  });

  it('quantize keeps the zeros, and rounding methods most of the accuracy', async () => {
    const pruned = await prune(model, data, { sparsity: 0.7, unit: 'block' });
    const calibration = await calibrate(pruned, data.inputs as Float32Array, { method: 'minmax' });
    using int8 = quantize(pruned, calibration);
    expect(accuracy(int8)).toBeGreaterThan(accuracy(pruned) - 1.5);
    const codes = linearNodes(int8.graph).map(({ weight }) => [...(weight.data as Int8Array)]);
    linearNodes(pruned.graph).forEach((node, i) => {
      (node.weight.data as Float32Array).forEach((w, j) => {
        if (w === 0) expect(codes[i]![j]).toBe(0);
      });
    });
    await expectRejection(
      prune(await gptq(pruned, calibration), data, { sparsity: 0.8 }),
      'ERR_UNSUPPORTED',
      /prune first/,
    );
    await adaRound(pruned, calibration, { bits: 8, iterations: 10 });
  });

  it('progress, and the reason of an abort', async () => {
    const seen: string[] = [];
    await prune(model, data, {
      sparsity: 0.5,
      steps: 2,
      onProgress: ({ step, done, total }) => seen.push(`${step} ${done}/${total}`),
    });
    expect(seen).toEqual(['prune 0/2', 'prune 1/2', 'prune 2/2']);
    const reason = new Error('enough');
    await expect(prune(model, data, { sparsity: 0.5, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 40);
    await expect(prune(model, data, { sparsity: 0.9, steps: 1000, signal: controller.signal })).rejects.toBe(
      reason,
    );
  });

  it('a float model, finite inputs', async () => {
    await expectRejection(prune({} as MLP, data, { sparsity: 0.5 }), 'ERR_MODEL_KIND');
    const inputs = Float32Array.from(data.inputs);
    inputs[5] = Number.NaN;
    for (const saliency of ['obd', 'obs'] as const)
      await expectRejection(prune(model, { inputs }, { saliency, sparsity: 0.5 }), 'ERR_ARGUMENT', /finite/);
  });
});
