// TensorFlow.js, the same steps on the same batches. Its backends in Node without a native library: wasm and cpu.
import '@tensorflow/tfjs'; // registers the gradients, and the cpu backend
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { LEARNING_RATE, MOMENTUM } from './nets.mjs';
import { firstModel } from './own.mjs';

export const BACKENDS = ['wasm', 'cpu'];

export async function tfjsTraining({ widths, batch, optimizer: type }, backend) {
  if (!(await tf.setBackend(backend))) throw new Error(`no ${backend} backend`);
  await tf.ready();
  const first = firstModel(widths);
  const layers = first.layers
    .filter(({ type }) => type === 'linear')
    .map(({ weight, bias, inFeatures, outFeatures }) => ({
      // Stored [in, out]: then the forward pass does not transpose.
      weight: tf.tidy(() => tf.variable(tf.transpose(tf.tensor2d(weight, [outFeatures, inFeatures])))),
      bias: tf.variable(tf.tensor1d(bias)),
    }));
  first.dispose();
  const optimizer =
    type === 'adam' ? tf.train.adam(LEARNING_RATE.adam) : tf.train.momentum(LEARNING_RATE.sgd, MOMENTUM);
  const classes = widths.at(-1);

  /** One update; its loss, once all work is done. */
  const step = ({ inputs, targets }, rows) => {
    const loss = tf.tidy(() => {
      const x = tf.tensor2d(gathered(inputs, rows, widths[0]), [rows.length, widths[0]]);
      const labels = tf.oneHot(
        tf.tensor1d(
          rows.map((row) => targets[row]),
          'int32',
        ),
        classes,
      );
      return optimizer.minimize(() => {
        const logits = layers.reduce(
          (a, { weight, bias }, i) =>
            tf.fused.matMul({ a, b: weight, bias, activation: i < layers.length - 1 ? 'relu' : 'linear' }),
          x,
        );
        return tf.losses.softmaxCrossEntropy(labels, logits);
      }, true);
    });
    const value = loss.dataSync()[0];
    loss.dispose();
    return value;
  };
  return {
    name: `tfjs ${backend}`,
    async run(data, epochs) {
      await tf.setBackend(backend);
      const rows = data.targets.length;
      for (let epoch = 0; epoch < epochs; epoch++)
        for (let at = 0; at < rows; at += batch) step(data, range(at, Math.min(at + batch, rows)));
    },
    async losses(data) {
      await tf.setBackend(backend);
      return [1, 2].map(() => step(data, range(0, data.targets.length)));
    },
    dispose() {
      tf.dispose(layers);
      optimizer.dispose();
    },
  };
}

const range = (from, end) => Array.from({ length: end - from }, (_, i) => from + i);

function gathered(inputs, rows, features) {
  const out = new Float32Array(rows.length * features);
  rows.forEach((row, i) => {
    out.set(inputs.subarray(row * features, (row + 1) * features), i * features);
  });
  return out;
}
