/**
 * Straight through float8 rounding F(x; c, M), c the largest number (Kuzmin et al. 2022; lib/fp8/gradients.ts):
 *
 *     ∂F/∂x = 1 inside, 0 outside        ∂F/∂c = (F − x)/c inside, sign(x) outside        ∂F/∂M = (F − x)·slope(M) inside
 *
 * Inside is |x| ≤ c.
 */

/** Σ dF·(F − x) of what lies inside, and Σ dF·sign(x) of what lies outside. */
export interface ClippedGradient {
  readonly inside: number;
  readonly outside: number;
}

/** Straight through F(x; c): writes dx over the gradient of F. */
export function clippedGradient(
  x: Float32Array,
  rounded: Float32Array,
  largest: number,
  gradient: Float32Array,
): ClippedGradient {
  let [inside, outside] = [0, 0];
  for (let i = 0; i < gradient.length; i++) {
    if (Math.abs(x[i]!) <= largest) {
      inside += gradient[i]! * (rounded[i]! - x[i]!);
    } else {
      outside += gradient[i]! * Math.sign(x[i]!);
      gradient[i] = 0;
    }
  }
  return { inside, outside };
}
