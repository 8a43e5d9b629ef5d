import { beforeAll, describe, expect, it } from 'vitest';
import { calibrate, linear, MLP, quantize, relu } from '../../lib/index';
import { exportOnnx } from '../../lib/onnx';
import { train } from '../../lib/training';
import { OrtModel, rowError } from './ort';

/** The model of `npm run demo`, trained for less long: 784-256-128-10. */
const PIXELS = 784;
const WIDTHS = [PIXELS, 256, 128, 10];
let predictions: (outputs: Float32Array) => Uint8Array;
let training: { inputs: Float32Array; targets: Uint8Array };
let test: { inputs: Float32Array; targets: Uint8Array };
let float: MLP;

beforeAll(async () => {
  const { mnist, ...others } = await import('../../examples/mnist/mnist.mjs');
  predictions = others.predictions;
  [training, test] = [mnist('train'), mnist('t10k')];
  const layers = WIDTHS.slice(1).flatMap((outFeatures, i) => [
    ...(i > 0 ? [relu()] : []),
    linear({ inFeatures: WIDTHS[i]!, outFeatures }),
  ]);
  const options = { epochs: 1, batchSize: 128, optimizer: { type: 'adam', learningRate: 0.001 } } as const;
  float = (await train(new MLP(layers, { seed: 1 }), training, options)).model;
});

const calibrated = () => calibrate(float, training.inputs.subarray(0, 1000 * PIXELS));

describe('MNIST, all 10,000 test images', () => {
  it('float32: within 1e-5 of the largest of each row', async () => {
    await using ort = await OrtModel.load(exportOnnx(float));
    const theirs = (await ort.runFirst(test.inputs, PIXELS)) as Float32Array;
    expect(rowError(float.runSync(test.inputs), theirs, 10)).toBeLessThanOrEqual(1e-5);
  });

  it.each(['half-up', 'float32'] as const)('int8, %s: the same classes', async (rounding) => {
    using model = quantize(float, await calibrated(), { rounding });
    await using ort = await OrtModel.load(exportOnnx(model));
    const theirs = (await ort.runFirst(test.inputs, PIXELS)) as Float32Array;
    expect(predictions(theirs)).toEqual(predictions(model.runSync(test.inputs)));
  });

  it.each(['half-up', 'half-even', 'gemmlowp', 'float32'] as const)(
    'codes, %s: nearly all are equal',
    async (rounding) => {
      using model = quantize(float, await calibrated(), { rounding, output: 'uint8' });
      await using ort = await OrtModel.load(exportOnnx(model));
      const theirs = (await ort.runFirst(test.inputs, PIXELS)) as Uint8Array;
      const ours = model.runSync(test.inputs, new Uint8Array(theirs.length));
      const equal = ours.reduce((sum, code, i) => sum + Number(code === theirs[i]), 0);
      // gemmlowp rounds twice.
      expect(equal / ours.length).toBeGreaterThanOrEqual(rounding === 'gemmlowp' ? 0.99 : 0.999);
    },
  );
});
