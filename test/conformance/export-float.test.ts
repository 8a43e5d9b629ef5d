import { describe, expect, it } from 'vitest';
import {
  concat,
  type Layer,
  layerNorm,
  linear,
  logSoftmax,
  MLP,
  relu,
  residual,
  softmax,
} from '../../lib/index';
import { exportOnnx } from '../../lib/onnx';
import { ACTIVATIONS, randomChain, randomLinear } from '../support/models';
import { Seeded } from '../support/random';
import { OrtModel, rowError } from './ort';

/** Of the largest number of a row. */
const TOLERANCE = 1e-5;
const ROWS = 33;

async function difference(layers: readonly Layer[], opset: number, random: Seeded): Promise<number> {
  using model = new MLP(layers);
  await using ort = await OrtModel.load(exportOnnx(model, { opset }));
  expect(ort.outputNames).toHaveLength(1);
  const rows = random.normals(ROWS * model.inFeatures);
  return rowError(
    model.runSync(rows),
    (await ort.runFirst(rows, model.inFeatures)) as Float32Array,
    model.outFeatures,
  );
}

describe.each([7, 9, 11, 13, 14, 17, 18, 20, 21, 22, 23])('float, opset %i', (opset) => {
  const activations = Object.keys(ACTIVATIONS).filter((name) => name !== 'gelu' || opset >= 9);

  it.each(activations)('%s', async (name) => {
    const random = new Seeded(opset);
    const layers = [
      ...randomChain(random, [784, 64, 32], ACTIVATIONS[name]!),
      ACTIVATIONS[name]!(),
      randomLinear(random, 32, 10),
    ];
    expect(await difference(layers, opset, random)).toBeLessThanOrEqual(TOLERANCE);
  });

  it('layer norm', async () => {
    const random = new Seeded(opset + 200);
    const norm = layerNorm({ features: 64, weight: random.normals(64), bias: random.normals(64) });
    const layers = [
      randomLinear(random, 784, 64),
      norm,
      relu(),
      layerNorm({ features: 64 }),
      randomLinear(random, 64, 10),
    ];
    expect(await difference(layers, opset, random)).toBeLessThanOrEqual(TOLERANCE);
  });

  it.each([softmax, logSoftmax])('branches, a layer without bias, %s', async (last) => {
    const random = new Seeded(opset + 100);
    const layers = [
      randomLinear(random, 20, 16),
      residual([randomLinear(random, 16, 16), relu()]),
      concat([[], [randomLinear(random, 16, 5), softmax()], [ACTIVATIONS['silu']!()]]),
      linear({ inFeatures: 37, outFeatures: 10, weight: random.normals(370, 0.2) }),
      last(),
    ];
    expect(await difference(layers, opset, random)).toBeLessThanOrEqual(TOLERANCE);
  });
});
