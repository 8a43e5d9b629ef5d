import { RequantError } from '../errors';
import type { Layer } from './layer';

/** exp(x) / Σ exp(x) over the features of a row; computed in float32, also in quantized models. */
export const softmax = (): Layer => Object.freeze({ type: 'softmax' });

/** x − ln Σ exp(x) over the features of a row; computed in float32, also in quantized models. */
export const logSoftmax = (): Layer => Object.freeze({ type: 'logSoftmax' });

/** (x − mean) / sqrt(variance + epsilon)·weight + bias over the features of a row. Errors: ERR_UNSUPPORTED for now. */
export function layerNorm(_o: {
  features: number;
  epsilon?: number;
  weight?: Float32Array;
  bias?: Float32Array;
}): Layer {
  throw new RequantError(
    'ERR_UNSUPPORTED',
    'expected a supported layer but received layerNorm, which this version cannot run',
  );
}
