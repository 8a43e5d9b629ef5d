import { callNative } from '../runtime/native';
import type { CheckedDataset } from './dataset';
import type { BatchResult } from './loop';

export type LossName = 'crossEntropy' | 'mse';

/** Loss and correct rows of outputs `y`; writes the gradient of the rows' mean loss with respect to `y`. */
export type Loss = (
  y: Float32Array,
  data: CheckedDataset,
  rows: Uint32Array,
  gradient: Float32Array,
) => BatchResult;

/**
 * Cross-entropy of logits: −Σc t[c]·logSoftmax(y)[c], t one-hot for classes; gradient (softmax(y)·Σt − t) / rows.
 */
export const crossEntropy: Loss = (y, data, rows, gradient) => {
  const { outFeatures: n, hasClasses } = data;
  const logs = new Float32Array(y.length);
  callNative((addon) => addon.softmaxAndLog(y, n, gradient, logs));
  const loss = hasClasses ? ofClasses(data, rows, logs, gradient) : ofShares(data, rows, logs, gradient);
  return { loss, correct: countCorrect(y, data, rows) };
};

/** Σ −logs[class]; `gradient`, which is the softmax, loses 1 at the class. */
function ofClasses(data: CheckedDataset, rows: Uint32Array, logs: Float32Array, gradient: Float32Array) {
  const { outFeatures: n, targets } = data;
  let sum = 0;
  for (let i = 0; i < rows.length; i++) {
    const start = i * n;
    const target = targets[rows[i]!]!;
    sum -= logs[start + target]!;
    for (let c = 0; c < n; c++)
      gradient[start + c] = (gradient[start + c]! - (c === target ? 1 : 0)) / rows.length;
  }
  return sum;
}

/** Targets are shares of the classes. */
function ofShares(data: CheckedDataset, rows: Uint32Array, logs: Float32Array, gradient: Float32Array) {
  const { outFeatures: n, targets } = data;
  let sum = 0;
  rows.forEach((row, i) => {
    const total = sumOf(targets, row * n, n);
    for (let c = 0; c < n; c++) {
      const t = targets[row * n + c]!;
      if (t !== 0) sum -= t * logs[i * n + c]!;
      gradient[i * n + c] = (gradient[i * n + c]! * total - t) / rows.length;
    }
  });
  return sum;
}

/** Mean over the features of (y − t)², t one-hot for classes; gradient 2·(y − t) / (rows·features). */
export const meanSquaredError: Loss = (y, data, rows, gradient) => {
  const { outFeatures: n, targets, hasClasses } = data;
  let sum = 0;
  rows.forEach((row, i) => {
    for (let c = 0; c < n; c++) {
      const t = hasClasses ? Number(targets[row] === c) : targets[row * n + c]!;
      const difference = y[i * n + c]! - t;
      sum += (difference * difference) / n;
      gradient[i * n + c] = (2 * difference) / (rows.length * n);
    }
  });
  return { loss: sum, correct: countCorrect(y, data, rows) };
};

export const LOSSES: Readonly<Record<LossName, Loss>> = { crossEntropy, mse: meanSquaredError };

function sumOf(values: ArrayLike<number>, start: number, count: number): number {
  let sum = 0;
  for (let i = start; i < start + count; i++) sum += values[i]!;
  return sum;
}

function countCorrect(y: Float32Array, data: CheckedDataset, rows: Uint32Array): number | undefined {
  if (!data.hasClasses || data.outFeatures === 1) return undefined;
  let correct = 0;
  rows.forEach((row, i) => {
    if (argmax(y, i * data.outFeatures, data.outFeatures) === data.targets[row]) correct++;
  });
  return correct;
}

/** Index of the first largest of `count` values. */
function argmax(values: Float32Array, start: number, count: number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[start + i]! > values[start + best]!) best = i;
  return best;
}
