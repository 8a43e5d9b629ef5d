import type { Attributes, ElementwiseOp } from '../../lib/layers/elementwise';

/** Activations in float64, by `Math` and textbook series: what the float32 code is compared with. */

type Function1 = (x: number, a: Attributes) => number;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
const get = (a: Attributes, name: string) => a[name] as number;

export const FUNCTIONS: Readonly<Record<ElementwiseOp, Function1>> = {
  relu: (x) => Math.max(x, 0),
  relu6: (x) => clamp(x, 0, 6),
  clip: (x, a) => clamp(x, get(a, 'min'), get(a, 'max')),
  leakyRelu: (x, a) => (x >= 0 ? x : get(a, 'slope') * x),
  elu: (x, a) => (x > 0 ? x : get(a, 'alpha') * Math.expm1(x)),
  hardSigmoid: (x, a) => clamp(get(a, 'alpha') * x + get(a, 'beta'), 0, 1),
  hardSwish: (x) => x * clamp(x / 6 + 0.5, 0, 1),
  sigmoid,
  tanh: Math.tanh,
  gelu: (x, a) =>
    a['approximate'] === 'tanh'
      ? 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
      : 0.5 * x * (1 + erf(x / Math.SQRT2)),
  silu: (x) => x * sigmoid(x),
};

export function softmax(x: readonly number[]): number[] {
  return logSoftmax(x).map(Math.exp);
}

export function logSoftmax(x: readonly number[]): number[] {
  const max = Math.max(...x);
  const logSum = Math.log(x.reduce((sum, v) => sum + Math.exp(v - max), 0));
  return x.map((v) => v - max - logSum);
}

/** Without weight and bias; equal values give 0. */
export function layerNorm(x: readonly number[], epsilon: number): number[] {
  const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
  const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length;
  const deviation = Math.sqrt(variance + epsilon);
  return x.map((v) => (deviation === 0 ? 0 : (v - mean) / deviation));
}

/** Maclaurin series below 3; 1 − erfc by its continued fraction above. */
function erf(x: number): number {
  const z = Math.abs(x);
  if (z < 3) {
    let term = z;
    let sum = z;
    for (let n = 1; Math.abs(term) > 1e-18; n++) {
      term *= -(z * z) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = z;
  for (let n = 60; n >= 1; n--) fraction = z + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-z * z) / (fraction * Math.sqrt(Math.PI)));
}
