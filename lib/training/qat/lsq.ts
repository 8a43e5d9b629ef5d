/**
 * Learned steps (Esser et al. 2020, "Learned Step Size Quantization"). With v = x/s and q = clamp(rne(v), low, high):
 *
 *     x̂ = s·q        ∂x̂/∂x = 1 inside, 0 outside        ∂x̂/∂s = q − v inside, low or high outside
 *
 * Inside is low < v < high: rounding is passed straight through.
 */

/** Where a grid ends, in steps from its zero, and what x̂ gains there as the step grows. */
export interface GridEnds {
  readonly low: number;
  readonly high: number;
  /** low and high, but 0 at an end that a function's bound sets (a ReLU): the step does not move it. */
  readonly lowSlope: number;
  readonly highSlope: number;
}

/**
 * Writes dx from the gradient of x̂; returns Σ dx̂·∂x̂/∂s.
 *
 * @param codes q + zeroPoint
 * @param positions v
 * @param gradient of x̂ on the way in, of x on the way out
 */
export function stepGradient(
  codes: Uint8Array,
  zeroPoint: number,
  positions: Float32Array,
  gradient: Float32Array,
  { low, high, lowSlope, highSlope }: GridEnds,
): number {
  let sum = 0;
  for (let i = 0; i < gradient.length; i++) {
    const v = positions[i]!;
    const g = gradient[i]!;
    if (v > low && v < high) {
      sum += g * (codes[i]! - zeroPoint - v);
    } else {
      sum += g * (v <= low ? lowSlope : highSlope);
      gradient[i] = 0;
    }
  }
  return sum;
}

/** The same of weights [rows, ·] with codes ±maxCode, and a step a row or one: writes dw, adds to `steps`. */
export function weightStepGradient(
  weight: Float32Array,
  codes: Int8Array,
  scale: Float32Array,
  maxCode: number,
  gradient: Float32Array,
  steps: Float64Array,
): void {
  const length = weight.length / scale.length;
  for (let n = 0; n < scale.length; n++) {
    const inverse = 1 / scale[n]!;
    let sum = 0;
    for (let i = n * length; i < (n + 1) * length; i++) {
      const v = weight[i]! * inverse;
      const g = gradient[i]!;
      if (v > -maxCode && v < maxCode) {
        sum += g * (codes[i]! - v);
      } else {
        sum += g * (v < 0 ? -maxCode : maxCode);
        gradient[i] = 0;
      }
    }
    steps[n]! += sum;
  }
}

/** What a step's gradient is multiplied by, so that it moves as much for its size as its values do: 1/√(N·Qp). */
export function gradientScale(count: number, largestCode: number): number {
  return 1 / Math.sqrt(count * largestCode);
}
