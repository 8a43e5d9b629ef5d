import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../lib/onnx';
import { Seeded } from '../support/random';
import { OrtModel, rowError } from './ort';
import { OPSETS, randomMlp } from './random-mlp';

/** |a − b| ≤ this · max|row|. */
const TOLERANCE = 1e-5;
const GRAPHS = Number(process.env['CONFORMANCE_GRAPHS'] ?? 600);
const ROWS = 7;

async function errorOf(
  bytes: Uint8Array,
  inFeatures: number,
  sizes: readonly number[] = [inFeatures],
): Promise<number> {
  const rows = new Seeded(1).normals(ROWS * inFeatures);
  await using ort = await OrtModel.load(bytes);
  using model = await importOnnx(bytes);
  const name = ort.inputNames[0]!;
  const feeds = { [name]: { type: 'float32' as const, data: rows, dims: [ROWS, ...sizes] } };
  const outputs = await ort.runTensors(feeds);
  const reference = outputs[ort.outputNames[0]!]!.data as Float32Array;
  return rowError(model.runSync(rows), reference, model.outFeatures);
}

describe('random MLPs', () => {
  it(`${GRAPHS} of them compute what onnxruntime does`, async () => {
    const wrong: string[] = [];
    const opsets = new Set<number>();
    for (let seed = 1; seed <= GRAPHS; seed++) {
      const { bytes, inFeatures, opset, sizes } = randomMlp(seed);
      opsets.add(opset);
      const error = await errorOf(bytes, inFeatures, sizes).catch((cause: unknown) => cause);
      if (!(typeof error === 'number' && error <= TOLERANCE))
        wrong.push(`seed ${seed}, opset ${opset}: ${String(error).slice(0, 300)}`);
    }
    expect(wrong).toEqual([]);
    expect([...opsets].sort((a, b) => a - b)).toEqual(OPSETS);
  });
});
