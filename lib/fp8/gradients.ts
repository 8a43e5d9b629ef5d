import { roundHalfEven } from '../quantization/affine';
import { checkFloats } from '../runtime/checks';
import { cellOf, checkScaledFp8, type ScaledFp8 } from './cell';

/** Derivatives of F(x; M, c) for each x, [x.length] each. */
export interface Fp8Gradients {
  readonly x: Float64Array;
  /** By c, the largest value. */
  readonly max: Float64Array;
  /** By M, the bits of mantissa, with E = 7 − M … that is, M + E fixed. */
  readonly mantissa: Float64Array;
}

/**
 * Straight-through gradients of FP8 quantization: rounding residual and exponent p are held fixed.
 *
 *     ∂F/∂x = 1 inside, 0 outside
 *     ∂F/∂c = (F − x)/c inside, sign(x) outside
 *     ∂F/∂M = (F − x)·ln2·(ln2·2^E − 1 − 2^−M/(2 − 2^−M)) inside, 0 outside
 *
 * Outside is |x| > c. Source: Kuzmin et al. 2022, section 4. Errors: ERR_DTYPE, ERR_ARGUMENT.
 */
export function gradients(x: Float32Array, format: ScaledFp8): Fp8Gradients {
  checkFloats('x', x);
  checkScaledFp8(format);
  const { max } = format;
  const slope = stepSlope(format);
  const result = {
    x: new Float64Array(x.length),
    max: new Float64Array(x.length),
    mantissa: new Float64Array(x.length),
  };
  for (let i = 0; i < x.length; i++) {
    const { clipped, step, position } = cellOf(x[i]!, format);
    if (clipped) {
      result.max[i] = Math.sign(x[i]!);
      continue;
    }
    const error = Math.sign(x[i]!) * step * (roundHalfEven(position) - position);
    result.x[i] = 1;
    result.max[i] = error / max;
    result.mantissa[i] = error * slope;
  }
  return result;
}

/** ∂ln S/∂M at fixed p and fixed M + E, S = 2^(p−M−b): ln2·(ln2·2^E − 1 − 2^−M/(2 − 2^−M)). */
export function stepSlope({ mantissa, exponent }: Pick<ScaledFp8, 'mantissa' | 'exponent'>): number {
  const lowest = 2 ** -mantissa;
  return Math.LN2 * (Math.LN2 * 2 ** exponent - 1 - lowest / (2 - lowest));
}
