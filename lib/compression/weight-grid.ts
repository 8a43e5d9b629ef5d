import { expected } from '../errors';
import type { LayerQuantization } from '../layers/layer';
import type { LinearNode } from '../models/graph';
import {
  DEFAULT_GROUP_SIZE,
  GROUP_SIZES,
  type GroupSize,
  int4Scales,
  isGroupSize,
} from '../quantization/int4';
import {
  isWeightBits,
  maxWeightCode,
  WEIGHT_BITS,
  type WeightBits,
  weightScales,
} from '../quantization/weights';
import { checkWord } from '../runtime/checks';
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

/** The grid of a layer: each scale the one with the smallest squared error of the weights it is for. */
export function weightGrid(node: LinearNode, outFeatures: number, options: WeightGridOptions): WeightGrid {
  const { format = 'int8', bits = 4, groupSize = DEFAULT_GROUP_SIZE, weights = 'per-channel' } = options;
  const weight = floatWeight(node);
  const inFeatures = weight.length / outFeatures;
  const maxCode = maxWeightCode(bits);
  if (format === 'int4') {
    const widest = int4Scales(weight, outFeatures, groupSize);
    // Of the same 8 significant bits.
    const scale = fittedScales(weight, inFeatures, groupSize, widest, 7, upTo8Bits);
    return { maxCode: 7, scale, span: groupSize, wish: { format, groupSize, scale } };
  }
  const perTensor = weights === 'per-tensor';
  const widest = weightScales(weight, outFeatures, perTensor, bits);
  const span = perTensor ? weight.length : inFeatures;
  const scale = fittedScales(weight, inFeatures, span, widest, maxCode, Math.fround);
  return { maxCode, scale, span, wish: { format, bits, scale } };
}

/** Which scale weight [n, k] has: by its place in the row where a row has several, by its place in the layer otherwise. */
export function scaleIndex({ span }: Pick<WeightGrid, 'span'>, inFeatures: number, n: number, k: number): number {
  return span >= inFeatures
    ? Math.floor((n * inFeatures) / span)
    : n * Math.ceil(inFeatures / span) + Math.floor(k / span);
}

/** Steps of the search: scales from 1 down to 1/4 of the widest. */
const STEPS = 96;

function fittedScales(
  weight: Float32Array,
  inFeatures: number,
  span: number,
  widest: Float32Array,
  maxCode: number,
  represent: (scale: number) => number,
): Float32Array {
  const groups = weightsByScale(weight, inFeatures, span, widest.length);
  return widest.map((most, i) => {
    let [best, least] = [most, Infinity];
    for (let step = 0; step < STEPS; step++) {
      const scale = represent(most * (1 - (0.75 * step) / STEPS));
      const error = squaredError(groups[i]!, scale, maxCode);
      if (error < least) [best, least] = [scale, error];
    }
    return best;
  });
}

function weightsByScale(weight: Float32Array, inFeatures: number, span: number, count: number): Float32Array[] {
  if (span >= inFeatures) return Array.from({ length: count }, (_, i) => weight.subarray(i * span, (i + 1) * span));
  const groups = Math.ceil(inFeatures / span);
  return Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / groups) * inFeatures;
    const start = (i % groups) * span;
    return weight.subarray(row + start, row + Math.min(start + span, inFeatures));
  });
}

/** Σ(w − ŵ)² */
function squaredError(weights: Float32Array, scale: number, maxCode: number): number {
  let sum = 0;
  for (const w of weights) {
    const code = Math.min(Math.max(Math.round(w / scale), -maxCode), maxCode);
    sum += (w - scale * code) ** 2;
  }
  return sum;
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** The smallest float32 of 8 significant bits that is ≥ x > 0. */
function upTo8Bits(x: number): number {
  scratch[0] = x;
  scratchBits[0] = (scratchBits[0]! + 0xffff) & 0xffff0000;
  return scratch[0];
}
