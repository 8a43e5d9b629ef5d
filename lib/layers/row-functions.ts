import { expected } from '../errors';
import { findNonFinite } from '../quantization/float32';
import { checkFloats, checkInteger, checkOptionKeys } from '../runtime/checks';
import type { Layer } from './layer';
import { MAX_FEATURES } from './linear';

/** exp(x) / Σ exp(x) over the features of a row; computed in float32, also in quantized models. */
export const softmax = (): Layer => Object.freeze({ type: 'softmax' });

/** x − ln Σ exp(x) over the features of a row; computed in float32, also in quantized models. */
export const logSoftmax = (): Layer => Object.freeze({ type: 'logSoftmax' });

/** PyTorch's and ONNX's. */
export const DEFAULT_EPSILON = 1e-5;

export interface LayerNormLayer extends Layer {
  readonly type: 'layerNorm';
  readonly features: number;
  readonly epsilon: number;
  /** [features]; missing: none, as if it were ones. */
  readonly weight?: Float32Array;
  /** [features]; missing: none, as if it were zeros. */
  readonly bias?: Float32Array;
}

/**
 * (x − mean) / sqrt(variance + epsilon)·weight + bias over the features of a row, the variance divided by n; computed
 * in float32, also in quantized models. As PyTorch's LayerNorm and ONNX's LayerNormalization over the last axis.
 *
 * A row with NaN or ±Infinity, or values so large (some 10^19) that their squares are not finite, gives NaN in every
 * feature. A row of equal values gives the bias, also for epsilon 0 (where rounding of their mean may give ±weight +
 * bias instead: nothing else is there to divide by).
 *
 * @param o.epsilon ≥ 0, finite as float32; default 1e−5.
 * @param o.weight [features], finite; missing: none. `train` changes weight and bias where they are given.
 * Errors: ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE.
 */
export function layerNorm(o: {
  features: number;
  epsilon?: number;
  weight?: Float32Array;
  bias?: Float32Array;
}): Layer {
  checkOptionKeys('options', o ?? null, ['features', 'epsilon', 'weight', 'bias']);
  const { features, epsilon = DEFAULT_EPSILON, weight, bias } = o;
  checkInteger('features', features, 1, MAX_FEATURES);
  checkEpsilon(epsilon);
  if (weight !== undefined) checkParameters('weight', weight, features);
  if (bias !== undefined) checkParameters('bias', bias, features);
  const layer: LayerNormLayer = {
    type: 'layerNorm',
    features,
    epsilon,
    ...(weight && { weight }),
    ...(bias && { bias }),
  };
  return Object.freeze(layer);
}

/** Errors: ERR_ARGUMENT. */
export function checkEpsilon(epsilon: unknown): asserts epsilon is number {
  if (typeof epsilon === 'number' && epsilon >= 0 && Number.isFinite(Math.fround(epsilon))) return;
  throw expected('ERR_ARGUMENT', 'epsilon to be ≥ 0 and finite as float32', epsilon);
}

function checkParameters(name: string, values: Float32Array, features: number): void {
  checkFloats(name, values);
  if (values.length !== features) throw expected('ERR_SHAPE', `${name} of length ${features}`, values.length);
  const bad = findNonFinite(values);
  if (bad !== undefined) throw expected('ERR_ARGUMENT', `${name} of finite numbers`, bad);
}
