// The nets that are trained (issue: rows per second), and what a row of them costs.
export const NETS = [
  { name: 'mnist-small', widths: [784, 100, 50, 10], batches: [64, 128] },
  { name: 'fashion', widths: [784, 200, 100, 50, 10], batches: [64, 128] },
  { name: 'mnist-wide', widths: [784, 1024, 1024, 1024, 10], batches: [128] },
];

/** Multiply-adds of one row: forward, weight gradients, and, but for the first layer, input gradients. */
export function macsOfRow(widths) {
  return widths.slice(1).reduce((sum, n, i) => sum + n * widths[i] * (i === 0 ? 2 : 3), 0);
}

export const LEARNING_RATE = { sgd: 0.05, adam: 0.001 };
export const MOMENTUM = 0.9;
