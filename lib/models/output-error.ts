import type { Judge } from '../calibration/types';
import { RequantError } from '../errors';
import type { MLP } from './mlp';
import { quantize } from './quantize';

/** Σ(int8 − float)² over the outputs for some rows, of the static int8 model that ranges make of a float one. */
export function outputError(model: MLP, rows: Float32Array): Judge {
  const reference = model.runSync(rows);
  return (calibration) => {
    try {
      using quantized = quantize(model, calibration);
      const error = squaredError(quantized.runSync(rows), reference);
      return Number.isFinite(error) ? error : undefined;
    } catch (error) {
      if (error instanceof RequantError) return undefined; // this model has no static int8 form
      throw error;
    }
  };
}

function squaredError(values: Float32Array, reference: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i]! - reference[i]!) ** 2;
  return sum;
}
