import { describe, expect, it } from 'vitest';
import { MLP } from '../../lib/index';
import { importOnnx } from '../../lib/onnx';
import { OnnxBuilder } from '../support/onnx-builder';
import { Seeded } from '../support/random';
import {
  ACTIVATIONS,
  batchNormalization,
  LINEARS,
  layerNormalization,
  noise,
  scaleAndShift,
  softmax,
} from './operators';
import { OrtModel, rowError } from './ort';

const TOLERANCE = 1e-5;
const [IN, HIDDEN, OUT] = [784, 128, 10];
const ROWS = 16;
const OPSETS = [7, 9, 11, 13, 17, 18, 20, 23, 24];

type Part = (b: OnnxBuilder, random: Seeded, x: string, features: number) => string;

/** 784 → 128 → part → 128 → part → 10, as MNIST's pixels go through it. */
async function errorOf(
  opset: number,
  part: Part,
  first: keyof typeof LINEARS,
  seed: number,
): Promise<number> {
  const random = new Seeded(seed);
  const b = new OnnxBuilder(opset);
  let x = b.node('Flatten', ['x']);
  x = part(b, random, LINEARS[first]!(b, random, x, [HIDDEN, IN]), HIDDEN);
  x = part(b, random, LINEARS['gemm']!(b, random, x, [HIDDEN, HIDDEN]), HIDDEN);
  x = LINEARS['gemm']!(b, random, x, [OUT, HIDDEN]);
  const bytes = b.encode([1, 28, 28], x);
  const rows = Float32Array.from({ length: ROWS * IN }, () => Math.max(0, random.uniform() * 3 - 2));
  await using ort = await OrtModel.load(bytes);
  using model = await importOnnx(bytes);
  const outputs = await ort.runTensors({ x: { type: 'float32', data: rows, dims: [ROWS, 1, 28, 28] } });
  const reference = Object.values(outputs)[0]!.data as Float32Array;
  if (!(model instanceof MLP)) throw new Error('expected a float model');
  expect(model.layers.length).toBeGreaterThan(0);
  return rowError(model.runSync(rows), reference, OUT);
}

const opsetsFrom = (since: number) => OPSETS.filter((opset) => opset >= since);

describe('MLPs of 784 to 10 compute what onnxruntime does', () => {
  it.each(Object.entries(ACTIVATIONS))('%s', async (_, { since = 7, write }) => {
    for (const opset of opsetsFrom(since))
      expect(await errorOf(opset, (b, __, x) => write(b, x), 'gemm', opset)).toBeLessThanOrEqual(TOLERANCE);
  });

  it.each(Object.keys(LINEARS))('linear: %s', async (first) => {
    for (const opset of OPSETS)
      expect(await errorOf(opset, (b, _, x) => b.node('Relu', [x]), first, opset)).toBeLessThanOrEqual(
        TOLERANCE,
      );
  });

  const parts: Readonly<Record<string, Part>> = {
    'batch norm before the activation': (b, random, x, n) =>
      b.node('Relu', [batchNormalization(b, random, x, n)]),
    'batch norm behind it': (b, random, x, n) => batchNormalization(b, random, b.node('Relu', [x]), n),
    'batch norm between activations': (b, random, x, n) =>
      b.node('Tanh', [batchNormalization(b, random, b.node('Relu', [x]), n)]),
    'layer norm': layerNormalization,
    'scale and shift': (b, random, x, n) => scaleAndShift(b, random, b.node('Elu', [x]), n),
    'softmax and log softmax': softmax,
    'a residual': (b, random, x, n) =>
      b.node('Add', [x, LINEARS['gemm']!(b, random, b.node('Relu', [x]), [n, n])]),
    'branches side by side': (b, random, x, n) => {
      const half = (y: string) => LINEARS['gemm']!(b, random, y, [n / 2, n]);
      const halves = [half(b.node('Relu', [x])), half(b.node('Tanh', [x]))];
      return b.node('Concat', halves, { axis: { int: 1 } });
    },
    noise,
  };
  it.each(Object.entries(parts))('%s', async (_, part) => {
    for (const opset of OPSETS)
      for (let seed = 1; seed <= 6; seed++)
        expect(await errorOf(opset, part, 'matMulAdd', seed)).toBeLessThanOrEqual(TOLERANCE);
  });
});
