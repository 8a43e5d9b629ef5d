import type { Random } from '../../random';

/**
 * Bits of weights, activations, gradients and errors. '8-8-8-8': block fixed point, this package's own; '2-8-8-8': WAGE
 * (Wu, Li, Chen, Shi 2018, "Training and Inference with Integers in Deep Neural Networks"). docs/integer-training.md.
 */
export type IntegerRecipe = '8-8-8-8' | '2-8-8-8';

/** A layer as native/training/integer_layer.h wants it. */
export interface IntegerLayerSpec {
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** Stored weights lie in ±limit. */
  readonly limit: number;
  /** int8 weight t = clamp(rne(stored / 2^codeShift), ±127). */
  readonly codeShift: number;
  /** The value of t is t·2^exponent. */
  readonly exponent: number;
  /** Of the activation behind it; −1: chosen by the first batch. */
  readonly shift: number;
}

/** Stored weights of '8-8-8-8': int16, of which the products see the upper 8 bits. */
const BLOCK_CODE_SHIFT = 8;
const BLOCK_LIMIT = 2 ** 15 - 1;
export const WAGE_WEIGHT_BITS = 2;

export function layerSpecs(widths: readonly number[], recipe: IntegerRecipe): IntegerLayerSpec[] {
  return widths.slice(1).map((outFeatures, i) => {
    const inFeatures = widths[i]!;
    const sizes = { inFeatures, outFeatures };
    if (recipe === '8-8-8-8') {
      const exponent = blockExponent(inFeatures);
      return { ...sizes, limit: BLOCK_LIMIT, codeShift: BLOCK_CODE_SHIFT, exponent, shift: -1 };
    }
    return { ...sizes, ...wageGrid(inFeatures, WAGE_WEIGHT_BITS) };
  });
}

/** Stored weights in ±(2^7 − 2^(8 − bits)), units of 2^-7; activations are divided by 2^(bits − 1)·α. */
export function wageGrid(
  inFeatures: number,
  bits: number,
): Omit<IntegerLayerSpec, 'inFeatures' | 'outFeatures'> {
  const codeShift = 8 - bits;
  const shift = bits - 1 + alphaExponent(inFeatures, bits);
  // The weights' own exponent is 1 − bits; the division by α is counted in, so that activations keep theirs, −7.
  return { limit: 128 - 2 ** codeShift, codeShift, exponent: -shift, shift };
}

/**
 * log2 of α = max(Shift(L_min / L0), 1), L_min = 1.5·2^(1 − bits), L0 = sqrt(3 / n_in), Shift(x) = 2^round(log2 x): the
 * smallest e ≥ 0 with L_min / L0 < 2^(e + ½), squared: 3·n_in < 2^(2·bits + 2e + 1).
 */
export function alphaExponent(inFeatures: number, bits: number): number {
  let e = 0;
  while (3 * inFeatures >= 2 ** (2 * bits + 2 * e + 1)) e++;
  return e;
}

/** Four times the first weights' bound fits: x = e − 7, e the smallest with 2^e ≥ 4·sqrt(6 / n_in), n_in·4^e ≥ 96. */
function blockExponent(inFeatures: number): number {
  let e = 4;
  while (inFeatures * 4 ** (e - 1) >= 96) e--;
  return e - 7;
}

/** Uniform in (−L, L), rounded to stored units. L = sqrt(6 / n_in), WAGE: max(sqrt(3 / n_in), L_min). */
export function initialWeights(spec: IntegerLayerSpec, recipe: IntegerRecipe, random: Random): Int32Array {
  const { inFeatures, outFeatures, limit, codeShift, exponent } = spec;
  const wage = recipe === '2-8-8-8';
  const least = 1.5 * 2 ** (1 - WAGE_WEIGHT_BITS);
  const bound = wage ? Math.max(Math.sqrt(3 / inFeatures), least) : Math.sqrt(6 / inFeatures);
  const unit = wage ? 2 ** -7 : 2 ** (exponent - codeShift);
  const weights = new Int32Array(inFeatures * outFeatures);
  for (let i = 0; i < weights.length; i++) {
    const drawn = roundHalfEven(((2 * random.uniform() - 1) * bound) / unit);
    weights[i] = Math.max(-limit, Math.min(limit, drawn));
  }
  return weights;
}

/** Of |x| < 2^51. */
export function roundHalfEven(x: number): number {
  const shifter = 1.5 * 2 ** 52;
  return x + shifter - shifter;
}

/** rne(x / 2^shift) of int32. */
export function shiftHalfEven(x: number, shift: number): number {
  return roundHalfEven(x / 2 ** shift);
}

/** The exponent of the learning rate in an epoch of `epochs`: halved after 40, 70 and 90 % of them. */
export function rateExponent(first: number, epoch: number, epochs: number): number {
  const done = (epoch - 1) / epochs;
  return first - [0.4, 0.7, 0.9].filter((share) => done >= share).length;
}

/** Of the first epochs. */
export const FIRST_RATE: Readonly<Record<IntegerRecipe, number>> = { '8-8-8-8': -2, '2-8-8-8': 0 };
