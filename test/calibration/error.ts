import type { Range } from '../../lib/calibration/range';
import { asymmetricParams, roundHalfEven } from '../../lib/quantization/affine';

/** Mean squared error of the data on the uint8 grid of a range, by definition: quantize, dequantize, compare. */
export function meanSquaredError(data: Float32Array, { min, max }: Range): number {
  const { scale, zeroPoint } = asymmetricParams(min, max, 0, 255);
  let sum = 0;
  for (const x of data) {
    const q = Math.min(Math.max(roundHalfEven(x / scale) + zeroPoint, 0), 255);
    sum += (x - scale * (q - zeroPoint)) ** 2;
  }
  return sum / data.length;
}

export function decibels(mse: number): number {
  return -10 * Math.log10(mse);
}
