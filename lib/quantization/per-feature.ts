import { MAX_SCALE, MIN_SCALE } from './affine';

/** One scale a feature with one common zero point, all uint8. */
export interface PerFeatureParams {
  readonly scale: Float32Array;
  readonly zeroPoint: number;
}

/**
 * Grids of raw tabular columns: each feature j gets the smallest scale that covers its range around the common zero
 * point z, s_j = max(−min_j/z, max_j/(255 − z)); z is the one with the least mean squared relative coarseness
 * Σ (s_j / s_j*)², s_j* = (max_j − min_j)/255 being the scale the feature would have alone. A feature that was always
 * 0 takes the largest scale of the others (1 if none): with a scale of 1 its folded weights would outweigh the rest.
 *
 * @param rows row-major [rows, features]; infinities do not count, as in calibration
 */
export function perFeatureParams(rows: Float32Array, features: number): PerFeatureParams {
  const { min, max } = featureRanges(rows, features);
  let best = { zeroPoint: 0, cost: Number.POSITIVE_INFINITY };
  for (let zeroPoint = 0; zeroPoint <= 255; zeroPoint++) {
    let cost = 0;
    for (let j = 0; j < features && cost < best.cost; j++) {
      const own = (max[j]! - min[j]!) / 255;
      if (own > 0) cost += (coveringScale(min[j]!, max[j]!, zeroPoint) / own) ** 2;
    }
    if (cost < best.cost) best = { zeroPoint, cost };
  }
  const { zeroPoint } = best;
  const scale = Float32Array.from({ length: features }, (_, j) =>
    Math.min(coveringScale(min[j]!, max[j]!, zeroPoint), MAX_SCALE),
  );
  const largest = scale.reduce((a, b) => Math.max(a, b), 0);
  const fallback = largest < MIN_SCALE ? 1 : largest;
  return { scale: scale.map((s) => (s < MIN_SCALE ? fallback : s)), zeroPoint };
}

function coveringScale(min: number, max: number, zeroPoint: number): number {
  const below = min === 0 ? 0 : -min / zeroPoint; // Infinity for zeroPoint 0
  const above = max === 0 ? 0 : max / (255 - zeroPoint);
  return Math.max(below, above);
}

/** Ranges that include 0. */
function featureRanges(rows: Float32Array, features: number): { min: Float32Array; max: Float32Array } {
  const min = new Float32Array(features);
  const max = new Float32Array(features);
  for (let i = 0; i < rows.length; i++) {
    const j = i % features;
    const x = rows[i]!;
    if (!Number.isFinite(x)) continue;
    if (x < min[j]!) min[j] = x;
    if (x > max[j]!) max[j] = x;
  }
  return { min, max };
}

/** W'[n, j] = fl(W[n, j]·s_j): the input's scales folded into the first weights. */
export function foldInputScales(weight: Float32Array, scale: Float32Array): Float32Array {
  return weight.map((w, i) => w * scale[i % scale.length]!);
}
