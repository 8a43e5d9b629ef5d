import { expected } from '../errors';
import { allocateFloats } from '../formats/sizes';
import type { LayerQuantization } from '../layers/layer';
import type { LinearNode } from '../models/graph';
import { isWeightBits, maxWeightCode, WEIGHT_BITS, type WeightBits } from '../quantization/bits';
import {
  DEFAULT_GROUP_SIZE,
  GROUP_SIZES,
  type GroupSize,
  int4Scales,
  isGroupSize,
} from '../quantization/int4';
import { weightScales } from '../quantization/weights';
import { checkWord } from '../runtime/checks';
import { callNative } from '../runtime/native';
import { floatWeight } from './rebuild';

/** The grid that a method rounds weights to. */
export interface WeightGridOptions {
  /** 'int8': a byte a weight, of `bits`; 'int4': groups with a scale each, for modes 'dynamic' and 'weight-only'. Default 'int8'. */
  format?: 'int8' | 'int4';
  /** Of format 'int8'. Default 4. */
  bits?: WeightBits;
  /** Of format 'int4'. Default 64. */
  groupSize?: GroupSize;
  /** One scale an output feature, or one a layer (format 'int8'). Default 'per-channel'. */
  weights?: 'per-channel' | 'per-tensor';
}

export const WEIGHT_GRID_KEYS = ['format', 'bits', 'groupSize', 'weights'];

/** w = scale(n, k) · q, q an integer in ±maxCode. */
export interface WeightGrid {
  readonly maxCode: number;
  /** Length 1, outFeatures, or [outFeatures, groups]. */
  readonly scale: Float32Array;
  /** Weights in a row that share a scale. */
  readonly span: number;
  /** What the layer wishes for, so that `quantize` keeps this grid. */
  readonly wish: LayerQuantization;
}

/** Errors: ERR_ARGUMENT. */
export function checkWeightGridOptions(options: WeightGridOptions): void {
  const { format = 'int8', bits = 4, groupSize = DEFAULT_GROUP_SIZE, weights = 'per-channel' } = options;
  checkWord('format', format, ['int8', 'int4']);
  checkWord('weights', weights, ['per-channel', 'per-tensor']);
  if (!isWeightBits(bits)) throw expected('ERR_ARGUMENT', `bits to be one of ${WEIGHT_BITS}`, bits);
  if (!isGroupSize(groupSize))
    throw expected('ERR_ARGUMENT', `groupSize to be one of ${GROUP_SIZES}`, groupSize);
  if (format === 'int4' && (options.bits ?? 4) !== 4)
    throw expected('ERR_ARGUMENT', "bits only with format 'int8'", options.bits);
  if (format === 'int8' && options.groupSize !== undefined)
    throw expected('ERR_ARGUMENT', "groupSize only with format 'int4'", options.groupSize);
}

/**
 * The grid of a layer. Each scale is the one, between a quarter of what the largest weight needs and all of it, for which
 * nearest rounding changes the layer's outputs least: with D = Ŵ − W the least sum of (D·G)∘D over the weights it is for
 * (in groups, of the diagonal of G alone). `gram`: Σ x̂x̂ᵀ, [inFeatures, inFeatures].
 */
export function weightGrid(node: LinearNode, gram: Float32Array, options: WeightGridOptions): WeightGrid {
  const { format = 'int8', bits = 4, groupSize = DEFAULT_GROUP_SIZE, weights = 'per-channel' } = options;
  const weight = floatWeight(node);
  const inFeatures = Math.sqrt(gram.length);
  const outFeatures = weight.length / inFeatures;
  if (format === 'int4') {
    const widest = int4Scales(weight, outFeatures, groupSize);
    const grid = { maxCode: 7, span: groupSize, scale: widest };
    const scale = fittedScales(weight, grid, diagonal(gram, inFeatures), upTo8Bits);
    return { ...grid, scale, wish: { format, groupSize, scale } };
  }
  const perTensor = weights === 'per-tensor';
  const widest = weightScales(weight, outFeatures, perTensor, bits);
  const span = perTensor ? weight.length : inFeatures;
  const grid = { maxCode: maxWeightCode(bits), span, scale: widest };
  const scale = fittedScales(weight, grid, gram, Math.fround);
  return { ...grid, scale, wish: { format, bits, scale } };
}

type Scales = Pick<WeightGrid, 'maxCode' | 'span' | 'scale'>;

/** Which scale weight [n, k] has: by its place in the row where a row has several, by its place in the layer otherwise. */
export function scaleIndex(
  { span }: Pick<WeightGrid, 'span'>,
  inFeatures: number,
  n: number,
  k: number,
): number {
  return span >= inFeatures
    ? Math.floor((n * inFeatures) / span)
    : n * Math.ceil(inFeatures / span) + Math.floor(k / span);
}

/** Steps of the search. */
const STEPS = 40;

function fittedScales(
  weight: Float32Array,
  widest: Scales,
  gram: Float32Array,
  represent: (scale: number) => number,
): Float32Array {
  const inFeatures = Math.sqrt(gram.length);
  const outFeatures = weight.length / inFeatures;
  const owner = Uint32Array.from(weight, (_, i) =>
    scaleIndex(widest, inFeatures, Math.floor(i / inFeatures), i % inFeatures),
  );
  const best = widest.scale.slice();
  const least = new Float64Array(best.length).fill(Infinity);
  for (let step = 0; step < STEPS; step++) {
    const scale = widest.scale.map((s) => represent(s * (1 - (0.75 * step) / STEPS)));
    const change = weight.map((w, i) => {
      const s = scale[owner[i]!]!;
      return s * Math.min(Math.max(Math.round(w / s), -widest.maxCode), widest.maxCode) - w;
    });
    const product = callNative((addon) =>
      addon.floatProduct(
        change,
        gram,
        outFeatures,
        inFeatures,
        inFeatures,
        false,
        false,
        allocateFloats(weight.length),
      ),
    );
    const losses = new Float64Array(best.length);
    for (let i = 0; i < weight.length; i++) losses[owner[i]!]! += change[i]! * product[i]!;
    losses.forEach((loss, i) => {
      if (loss < least[i]!) [least[i], best[i]] = [loss, scale[i]!];
    });
  }
  return best;
}

/** Of few weights, errors cancel by chance for many a scale: only what each costs alone is asked. */
function diagonal(gram: Float32Array, inFeatures: number): Float32Array {
  return gram.map((g, i) => (i % (inFeatures + 1) === 0 ? g : 0));
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** The smallest float32 of 8 significant bits that is ≥ x > 0. */
function upTo8Bits(x: number): number {
  scratch[0] = x;
  scratchBits[0] = (scratchBits[0]! + 0xffff) & 0xffff0000;
  return scratch[0];
}
