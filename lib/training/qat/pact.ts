import type { GridEnds } from './lsq';

/** PACT's decay of α (Choi et al. 2018), so that it comes down from where no value is clipped any more. */
export const ALPHA_DECAY = 1e-4;

/**
 * PACT (Choi et al. 2018): y = clip(x, 0, α), rounded to steps of α/Qp; ∂y/∂x = 1[0 < x < α], ∂y/∂α = 1[x ≥ α]. In steps
 * s = α/Qp: ∂y/∂s = Qp·1[x ≥ α]. Writes dx over the gradient of ŷ; returns Σ dŷ·∂y/∂s.
 */
export function clipGradient(
  positions: Float32Array,
  gradient: Float32Array,
  { low, high, highSlope }: GridEnds,
): number {
  let sum = 0;
  for (let i = 0; i < gradient.length; i++) {
    const v = positions[i]!;
    if (v >= high) sum += gradient[i]! * highSlope;
    if (!(v > low && v < high)) gradient[i] = 0;
  }
  return sum;
}
