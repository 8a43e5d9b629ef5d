/**
 * Training with integers as docs/integer-training.md writes it, in plain loops over exact numbers: what the native step
 * answers to. Slow; for small networks.
 */
import { philox } from '../../lib/philox';

export interface ReferenceLayer {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly limit: number;
  readonly codeShift: number;
  readonly exponent: number;
  shift: number;
  /** [out, in] */
  readonly stored: Int32Array;
  readonly bias: Int32Array;
}

export interface ReferenceNet {
  readonly recipe: 'wage' | 'block';
  readonly layers: ReferenceLayer[];
  readonly inputExponent: number;
  readonly raisedInputs: boolean;
  readonly seed: [number, number];
  /** Of the look at the shifts. */
  batches: number;
  readonly clipped: number[];
  readonly codes: number[];
}

const BIAS_EXPONENT = -20;
const clamp = (x: number, bound: number) => Math.max(-bound, Math.min(bound, x));

/** x / 2^shift to the nearest integer, halves to even; a negative shift multiplies. */
export function rne(x: number, shift: number): number {
  const scaled = x * 2 ** -shift; // exact
  const floor = Math.floor(scaled);
  const fraction = scaled - floor;
  if (fraction !== 0.5) return fraction < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Exponent of Shift(m) = 2^round(log2 m). */
export function nearestExponent(m: number): number {
  let n = 0;
  while (2 ** (n + 1) <= m) n++;
  return BigInt(m) * BigInt(m) > 2n ** BigInt(2 * n + 1) ? n + 1 : n;
}

function fittingExponent(m: number): number {
  let n = 0;
  while (Math.floor(m / 2 ** n) > 127) n++;
  return n;
}

/** w[i] of a layer as the products see it. */
export function weightCodes({ stored, codeShift }: ReferenceLayer): number[] {
  return Array.from(stored, (w) => clamp(rne(w, codeShift), 127));
}

interface Forward {
  /** Inputs of each layer, then nothing. */
  readonly activations: number[][];
  readonly accumulators: number[][];
  /** Of the inputs of each layer, then of the logits. */
  readonly exponents: number[];
}

export function forward(net: ReferenceNet, inputs: readonly number[], rows: number): Forward {
  const activations = [[...inputs]];
  const accumulators: number[][] = [];
  const exponents = [net.inputExponent];
  net.layers.forEach((layer, l) => {
    const { inFeatures, outFeatures } = layer;
    const exponent = exponents[l]! + layer.exponent;
    const t = weightCodes(layer);
    const a = activations[l]!;
    const acc: number[] = [];
    for (let r = 0; r < rows; r++)
      for (let o = 0; o < outFeatures; o++) {
        let sum = net.recipe === 'wage' ? 0 : clamp(rne(layer.bias[o]!, exponent - BIAS_EXPONENT), 2 ** 28);
        for (let i = 0; i < inFeatures; i++) sum += a[r * inFeatures + i]! * t[o * inFeatures + i]!;
        acc.push(sum);
      }
    accumulators.push(acc);
    const hidden = l + 1 < net.layers.length;
    if (hidden && layer.shift < 0) layer.shift = fittingExponent(Math.max(0, ...acc));
    exponents.push(exponent + (hidden ? layer.shift : 0));
    if (hidden) activations.push(acc.map((x) => Math.min(rne(Math.max(x, 0), layer.shift), 127)));
  });
  return { activations, accumulators, exponents };
}

/** Errors of a row of logits. */
function logitErrors(net: ReferenceNet, logits: number[], target: number, exponent: number): number[] {
  if (net.recipe === 'wage') {
    const one = 2 ** (7 + net.layers.at(-1)!.shift);
    return logits.map((x, c) => x - (c === target ? one : 0));
  }
  const most = Math.max(...logits);
  const powers = logits.map((x) => power(Math.floor((most - x) * 2 ** (exponent + 8))));
  const z = powers.reduce((a, b) => a + b);
  return powers.map((p, c) => Math.floor((p * 2 ** 14) / z) - (c === target ? 2 ** 14 : 0));
}

/** 2^15·exp(−d / 2^8) by the two tables of powers. */
export function power(d: number): number {
  if (d >= 16 * 256) return 0;
  const table = (base: bigint, n: number) => {
    let v = 1n << 31n;
    for (let i = 0; i < n; i++) v = (v * base + (1n << 30n)) >> 31n;
    return v;
  };
  const product = table(1672461947n, d >> 6) * table(2139111403n, d & 63);
  return Number((product + (1n << 46n)) >> 47n);
}

/** v of an update: |g| / 2^d, rounded by the random words of the weight. */
function roundedStep(
  net: ReferenceNet,
  g: number,
  d: number,
  at: { o: number; i: number; l: number; step: number },
) {
  const size = BigInt(Math.abs(g));
  if (d <= 0) return Number(size << BigInt(-d));
  const { o, i, l, step } = at;
  const counter = 16 * Math.floor(i / 64) + (i % 16);
  const word = (upper: number) =>
    BigInt(philox([counter, o, (l + upper * 2 ** 31) >>> 0, step], net.seed)[Math.floor((i % 64) / 16)]!);
  const random = (word(1) << 32n) | word(0);
  const unit = 1n << BigInt(d);
  return Number(size >> BigInt(d)) + (random % unit < size % unit ? 1 : 0);
}

/** One step in place. `inputs`: the network's numbers [rows, in]. */
export function referenceStep(
  net: ReferenceNet,
  inputs: readonly number[],
  targets: readonly number[],
  rate: number,
  step: number,
): void {
  const rows = targets.length;
  const { activations, accumulators, exponents } = forward(net, inputs, rows);
  const wage = net.recipe === 'wage';
  const outputs = net.layers.at(-1)!.outFeatures;
  let errors = targets.flatMap((target, r) =>
    logitErrors(net, accumulators.at(-1)!.slice(r * outputs, (r + 1) * outputs), target, exponents.at(-1)!),
  );
  let errorExponent = -14;
  const rowsExponent = Math.ceil(Math.log2(rows));
  for (let l = net.layers.length - 1; l >= 0; l--) {
    const layer = net.layers[l]!;
    const { inFeatures, outFeatures, stored, limit } = layer;
    const most = Math.max(...errors.map(Math.abs));
    const n = most === 0 ? 0 : wage ? nearestExponent(most) - 7 : fittingExponent(most);
    const acc = accumulators[l]!;
    const last = l + 1 === net.layers.length;
    const e = errors.map((x, j) => (last || acc[j]! > 0 ? clamp(rne(x, n), 127) : 0));
    errorExponent += n;
    if (l > 0) {
      const t = weightCodes(layer);
      const before = net.layers[l - 1]!;
      errors = accumulators[l - 1]!.map((x, j) => {
        const passes = x <= 127 * 2 ** before.shift && (wage || x > 0);
        const [r, i] = [Math.floor(j / inFeatures), j % inFeatures];
        let sum = 0;
        for (let o = 0; passes && o < outFeatures; o++)
          sum += e[r * outFeatures + o]! * t[o * inFeatures + i]!;
        return sum;
      });
    }
    const a = activations[l]!;
    const gradient = Array.from(stored, (_, j) => {
      const [o, i] = [Math.floor(j / inFeatures), j % inFeatures];
      let sum = 0;
      for (let r = 0; r < rows; r++) sum += e[r * outFeatures + o]! * a[r * inFeatures + i]!;
      return sum;
    });
    const largest = Math.max(...gradient.map(Math.abs));
    const unit = layer.exponent - layer.codeShift;
    const d = wage
      ? (largest === 0 ? 0 : nearestExponent(largest)) - rate
      : unit - (errorExponent + exponents[l]! - rowsExponent) - rate;
    gradient.forEach((g, j) => {
      const at = { o: Math.floor(j / inFeatures), i: j % inFeatures, l, step };
      stored[j] = clamp(stored[j]! - Math.sign(g) * roundedStep(net, g, Math.min(d, 63), at), limit);
    });
    if (!wage)
      for (let o = 0; o < outFeatures; o++) {
        let sum = 0;
        for (let r = 0; r < rows; r++) sum += e[r * outFeatures + o]!;
        const change = rne(sum, -(errorExponent - BIAS_EXPONENT + rate - rowsExponent));
        layer.bias[o] = clamp(layer.bias[o]! - clamp(change, 2 ** 30), 2 ** 30);
      }
    errorExponent += layer.exponent;
  }
  if (!wage) look(net, accumulators);
}

function look(net: ReferenceNet, accumulators: readonly number[][]): void {
  net.layers.slice(0, -1).forEach((layer, l) => {
    net.clipped[l]! += accumulators[l]!.filter((x) => x > 127 * 2 ** layer.shift).length;
    net.codes[l]! += accumulators[l]!.length;
  });
  if (++net.batches < 64) return;
  net.batches = 0;
  net.layers.slice(0, -1).forEach((layer, l) => {
    if (net.clipped[l]! * 512 > net.codes[l]!) layer.shift++;
    else if (net.clipped[l]! * 8192 < net.codes[l]!) layer.shift = Math.max(layer.shift - 1, 0);
    net.clipped[l] = net.codes[l] = 0;
  });
}
