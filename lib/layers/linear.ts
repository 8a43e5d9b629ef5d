import { expected } from '../errors';
import { MAX_SCALE, MIN_SCALE } from '../quantization/affine';
import { checkFloats, checkInteger, checkOptionKeys } from '../runtime/checks';
import type { Layer } from './layer';

/** Largest number of features of a value (docs/model-format.md). */
export const MAX_FEATURES = 2 ** 24;

export interface LinearLayer extends Layer {
  readonly type: 'linear';
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** [outFeatures, inFeatures], row-major, as PyTorch stores it. Missing: drawn when a model is made. */
  readonly weight?: Float32Array;
  /** [outFeatures]; true: drawn; false: none. */
  readonly bias: Float32Array | boolean;
}

/**
 * y = x·Wᵀ + b. Without a weight both are drawn when a model is made; a weight without a bias has none.
 *
 * Errors: ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE.
 */
export function linear(o: {
  inFeatures: number;
  outFeatures: number;
  weight?: Float32Array;
  bias?: Float32Array | boolean;
  name?: string;
}): Layer {
  checkOptionKeys('options', o ?? null, ['inFeatures', 'outFeatures', 'weight', 'bias', 'name']);
  const { inFeatures, outFeatures, weight, name } = o;
  checkInteger('inFeatures', inFeatures, 1, MAX_FEATURES);
  checkInteger('outFeatures', outFeatures, 1, MAX_FEATURES);
  if (weight !== undefined) checkLength('weight', weight, outFeatures * inFeatures);
  const bias = o.bias ?? weight === undefined;
  if (typeof bias !== 'boolean') checkLength('bias', bias, outFeatures);
  const layer: LinearLayer = {
    type: 'linear',
    inFeatures,
    outFeatures,
    bias,
    ...(weight && { weight }),
    ...(name !== undefined && { name }),
  };
  return Object.freeze(layer);
}

/** Weight scales that a layer brings along, of one of these lengths. Errors: ERR_DTYPE, ERR_SHAPE, ERR_ARGUMENT. */
export function checkWeightScales(
  layer: string,
  scale: unknown,
  lengths: readonly number[],
): asserts scale is Float32Array {
  checkFloats(`scale of '${layer}'`, scale);
  if (!lengths.includes(scale.length)) {
    throw expected('ERR_SHAPE', `scale of '${layer}' of length ${lengths.join(' or ')}`, scale.length);
  }
  const bad = scale.find((s) => !(s >= MIN_SCALE && s <= MAX_SCALE));
  if (bad !== undefined) throw expected('ERR_ARGUMENT', `scales of '${layer}' in [2^-100, 2^126]`, bad);
}

function checkLength(name: string, values: Float32Array, length: number): void {
  checkFloats(name, values);
  if (values.length !== length) throw expected('ERR_SHAPE', `${name} of length ${length}`, values.length);
}
