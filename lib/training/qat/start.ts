/** Where steps start. */
import { asymmetricParams, MIN_SCALE, roundHalfEven } from '../../quantization/affine';
import { weightScales } from '../../quantization/weights';

/** How weights of few bits start: the one of LSQ's step and max|w|/Qp with the smaller error, or TWN's for ternary. */
export type WeightStart = 'lsq' | 'ternary';

/** Ternary weight networks (Li, Liu 2016): w rounds to 0 below .7·mean|w|, which is half a step. */
const TERNARY_STEP = 1.4;

/**
 * A step for each row of weights: 2·mean|w|/√Qp (LSQ) or max|w|/Qp, whichever rounds the row with the smaller squared
 * error; 'ternary': 1.4·mean|w|. A row of zeros takes max|w|/Qp's rule.
 */
export function weightSteps(
  weight: Float32Array,
  rows: number,
  maxCode: number,
  bits: 2 | 3 | 4 | 8,
  start: WeightStart,
): Float32Array {
  const widest = weightScales(weight, rows, rows === 1, bits);
  const length = weight.length / rows;
  return widest.map((wide, n) => {
    const row = weight.subarray(n * length, (n + 1) * length);
    const mean = meanMagnitude(row);
    if (mean < MIN_SCALE) return wide;
    if (start === 'ternary') return TERNARY_STEP * mean;
    const learned = Math.fround((2 * mean) / Math.sqrt(maxCode));
    const error = (step: number) => roundingError(row, { scale: step, low: -maxCode, high: maxCode });
    return error(learned) < error(wide) ? learned : wide;
  });
}

/** Parts of the range that a grid of activations may start with. */
const PARTS = Array.from({ length: 16 }, (_, i) => 1 - i / 20);
/** As many values decide. */
const SAMPLE = 2 ** 15;

/**
 * The grid of codes 0…`levels` for values: of their range, the part of it, or (where no value is below 0) the range of
 * LSQ's step 2·mean|x|/√Qp, that rounds them with the smallest squared error.
 */
export function activationGrid(values: Float32Array, levels: number): { scale: number; zeroPoint: number } {
  const sample = sampled(values);
  const { min, max } = extent(values);
  const wishes = PARTS.map((part) => ({ min: part * min, max: part * max }));
  if (min === 0) wishes.push({ min, max: 2 * meanMagnitude(sample) * Math.sqrt(levels) });
  let best = { scale: 1, zeroPoint: 0, error: Number.POSITIVE_INFINITY };
  for (const wish of wishes) {
    const { scale, zeroPoint } = asymmetricParams(wish.min, wish.max, 0, levels);
    const error = roundingError(sample, { scale, low: -zeroPoint, high: levels - zeroPoint });
    if (error < best.error) best = { scale, zeroPoint, error };
  }
  return best;
}

/** The smallest and the largest of values and 0. */
export function extent(values: Float32Array): { min: number; max: number } {
  let [min, max] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    if (x < min) min = x;
    if (x > max) max = x;
  }
  return { min, max };
}

function sampled(values: Float32Array): Float32Array {
  const stride = Math.ceil(values.length / SAMPLE);
  return stride <= 1 ? values : values.filter((_, i) => i % stride === 0);
}

function meanMagnitude(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!);
  return values.length === 0 ? 0 : sum / values.length;
}

function roundingError(
  values: Float32Array,
  { scale, low, high }: { scale: number; low: number; high: number },
): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const q = Math.min(Math.max(roundHalfEven(values[i]! / scale), low), high);
    sum += (q * scale - values[i]!) ** 2;
  }
  return sum;
}
