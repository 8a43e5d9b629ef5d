import { argmax } from '../difference';
import type { Model } from './model';

/** Above it, a single output means class 1: a probability behind a sigmoid, else a logit. */
export function decisionThreshold({ stages }: Model): number {
  const last = stages.findLast(({ op }) => op !== 'quantize' && op !== 'dequantize');
  return last?.op === 'sigmoid' || last?.op === 'hardSigmoid' ? 0.5 : 0;
}

/** Rows of outputs [rows, features] whose answer is their label. */
export function countCorrect(
  outputs: Float32Array,
  features: number,
  threshold: number,
  labels: ArrayLike<number>,
): number {
  let correct = 0;
  for (let row = 0; row * features < outputs.length; row++) {
    const answer =
      features === 1 ? Number(outputs[row]! > threshold) : argmax(outputs, row * features, features);
    if (answer === labels[row]) correct++;
  }
  return correct;
}
