// TensorFlow.js on its WebAssembly backend (SIMD; it has no threads in Node): from a typed array to a typed array.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';

export async function tfjsPeer({ layers, widths }) {
  if (tf.getBackend() !== 'wasm' && !(await tf.setBackend('wasm'))) throw new Error('no wasm backend');
  await tf.ready();
  const constants = layers.map(({ weight, bias, inFeatures, outFeatures }) => ({
    // Stored [in, out]: then no call transposes.
    weight: tf.tidy(() => tf.transpose(tf.tensor2d(weight, [outFeatures, inFeatures]))),
    bias: tf.tensor1d(bias),
  }));
  const last = constants.length - 1;
  const forward = (rows, batch) =>
    tf.tidy(() => {
      let x = tf.tensor2d(rows, [batch, widths[0]]);
      constants.forEach(({ weight, bias }, i) => {
        x = tf.fused.matMul({ a: x, b: weight, bias, activation: i < last ? 'relu' : 'linear' });
      });
      return x.dataSync();
    });
  return {
    contenders: ({ rows, batch }) => [
      {
        name: 'tfjs',
        arithmetic: 'float32',
        isAsync: false,
        call: () => forward(rows, batch),
        result: () => forward(rows, batch),
      },
    ],
    dispose: () => tf.dispose(constants),
  };
}
