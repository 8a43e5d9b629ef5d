import { MAX_SCALE, MIN_SCALE } from './affine';
import { maxWeightCode, type WeightBits } from './bits';

/**
 * int8 weights [outFeatures, inFeatures]: w = scale[n] · q, q in ±(2^(bits − 1) − 1), which is ±127 of 8 bits; scale has
 * length outFeatures or 1.
 */
export interface QuantizedWeights {
  readonly data: Int8Array;
  readonly scale: Float32Array;
}

/** A bias beyond this leaves too little room for the sum of products in int32. */
const MAX_BIAS = 2 ** 30;
/** x + this − this is rne(x) for |x| < 2^51: there float64 holds only integers. */
const SHIFTER = 1.5 * 2 ** 52;

/**
 * Symmetric scales: sw = fl(max|w|/127), 127 being the largest code of 8 bits, of each output feature or of all. An all-zero feature takes the layer's
 * largest scale (1 if none). Source: docs/numerics.md.
 */
export function weightScales(
  weight: Float32Array,
  outFeatures: number,
  perTensor: boolean,
  bits: WeightBits = 8,
): Float32Array {
  const maxCode = maxWeightCode(bits);
  const inFeatures = weight.length / outFeatures;
  const scales = new Float32Array(outFeatures);
  for (let n = 0; n < outFeatures; n++) {
    let max = 0;
    for (let k = n * inFeatures; k < (n + 1) * inFeatures; k++) max = Math.max(max, Math.abs(weight[k]!));
    scales[n] = max / maxCode;
  }
  const largest = scales.reduce((a, b) => Math.max(a, b), 0);
  const fallback = largest < MIN_SCALE ? 1 : largest;
  if (perTensor) return Float32Array.of(fallback);
  return scales.map((scale) => (scale < MIN_SCALE ? fallback : scale));
}

/** q = clamp(rne(fl(w/sw)), ±127), 127 being the largest code of 8 bits */
export function quantizeWeights(
  weight: Float32Array,
  outFeatures: number,
  scale: Float32Array,
  bits: WeightBits = 8,
): QuantizedWeights {
  const maxCode = maxWeightCode(bits);
  const data = new Int8Array(weight.length);
  const inFeatures = weight.length / outFeatures;
  for (let n = 0; n < outFeatures; n++) {
    const s = scale[scale.length === 1 ? 0 : n]!;
    for (let k = n * inFeatures; k < (n + 1) * inFeatures; k++) {
      const quotient = Math.fround(weight[k]! / s);
      data[k] = Math.min(Math.max(quotient + SHIFTER - SHIFTER, -maxCode), maxCode);
    }
  }
  return { data, scale };
}

/**
 * Scales raised where the bias would not fit: |b_f / fl(sx·sw)| ≤ 2^30, else sw = fl(|b_f| / fl(sx·2^30)); and lowered
 * where fl(sx·sw) would be infinite.
 */
export function scalesThatFitBias(
  scale: Float32Array,
  inputScale: number,
  bias: Float32Array | undefined,
): Float32Array {
  const fitted = scale.slice();
  for (let n = 0; n < (bias?.length ?? scale.length); n++) {
    const i = scale.length === 1 ? 0 : n;
    if (!Number.isFinite(Math.fround(inputScale * fitted[i]!))) fitted[i] = MAX_SCALE / inputScale;
    const b = Math.abs(bias?.[n] ?? 0);
    if (b === 0 || b / Math.fround(inputScale * fitted[i]!) <= MAX_BIAS) continue;
    // In float64: sx·2^30 may be beyond float32. Never lowered: fl(sx·sw) may be 0, and any bias too large for that.
    fitted[i] = Math.min(Math.max(b / (inputScale * MAX_BIAS), fitted[i]!), MAX_SCALE);
  }
  return fitted;
}

/** b[n] = rne(double(b_f) / double(fl(sx·sw[n]))), kept in ±2^30. */
export function quantizeBias(bias: Float32Array, accumulatorScale: Float32Array): Int32Array {
  return Int32Array.from(bias, (b, n) => {
    const s = accumulatorScale[accumulatorScale.length === 1 ? 0 : n]!;
    const code = b === 0 ? 0 : b / s + SHIFTER - SHIFTER;
    return Math.min(Math.max(code, -MAX_BIAS), MAX_BIAS);
  });
}
