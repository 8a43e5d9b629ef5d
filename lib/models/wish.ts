import { expected, RequantError } from '../errors';
import type { LayerQuantization, Mode } from '../layers/layer';
import { checkWeightScales } from '../layers/linear';
import { isActivationBits, isWeightBits } from '../quantization/bits';
import { DEFAULT_GROUP_SIZE, groupCount, isGroupSize } from '../quantization/int4';
import { checkOptionKeys, checkWord } from '../runtime/checks';
import { checkFp8Wish, isFp8Choice } from './fp8-choice';

/** What a float model's layer wishes for when it is quantized (`layer.quantization`). */

export const MODES: readonly Mode[] = ['static', 'dynamic', 'weight-only'];
export const WISH_KEYS = ['format', 'bits', 'activationBits', 'groupSize', 'scale', 'mode'] as const;

/** Formats and bits but for float8 (`checkFp8Wish`): that this version can carry them out. Errors: ERR_UNSUPPORTED. */
export function checkFormat(layer: string, wish: LayerQuantization): void {
  const { format = 'int8', bits, activationBits = 8, groupSize } = wish;
  const isKnown = format === 'float32' || format === 'int8' || format === 'int4';
  const bitsFit =
    bits === undefined || (format === 'int8' ? isWeightBits(bits) : bits === (format === 'int4' ? 4 : 8));
  const activationsFit = format === 'int8' ? isActivationBits(activationBits) : activationBits === 8;
  if (isKnown && bitsFit && activationsFit && (groupSize === undefined || format === 'int4')) return;
  const { scale: _, ...shown } = wish;
  throw new RequantError(
    'ERR_UNSUPPORTED',
    `expected float32, int8 of 2, 3, 4 or 8 bits with activations of 4 or 8, int4 or float8 for '${layer}' but received ${JSON.stringify(shown)}`,
  );
}

/** A frozen copy of a wish that fits the layer. Errors: ERR_ARGUMENT, ERR_UNSUPPORTED, ERR_DTYPE, ERR_SHAPE. */
export function checkedWish(
  layer: string,
  wish: LayerQuantization,
  outFeatures: number,
  inFeatures: number,
): LayerQuantization {
  checkOptionKeys(`quantization of '${layer}'`, wish ?? null, WISH_KEYS);
  const { format = 'int8', groupSize, mode, scale } = wish;
  if (mode !== undefined) checkWord(`mode of '${layer}'`, mode, MODES);
  if (isFp8Choice(format)) {
    checkFp8Wish(layer, format, wish, outFeatures);
    return Object.freeze({ ...wish, ...(scale && { scale: scale.slice() }) });
  }
  checkFormat(layer, wish);
  if (groupSize !== undefined && !isGroupSize(groupSize))
    throw expected('ERR_UNSUPPORTED', `groups of 32, 64 or 128 weights in '${layer}'`, groupSize);
  if (scale === undefined) return Object.freeze({ ...wish });
  checkWeightScales(layer, scale, scaleLengths(format, groupSize, outFeatures, inFeatures));
  return Object.freeze({ ...wish, scale: scale.slice() });
}

/** How many scales a layer may bring along. */
export function scaleLengths(
  format: LayerQuantization['format'],
  groupSize: number | undefined,
  outFeatures: number,
  inFeatures: number,
): number[] {
  return format === 'int4'
    ? [outFeatures * groupCount(inFeatures, groupSize ?? DEFAULT_GROUP_SIZE)]
    : [1, outFeatures];
}

/** A wish without its scales, as files hold it in JSON; undefined where nothing is left. */
export function wishWithoutScale(wish: LayerQuantization | undefined): object | undefined {
  const { scale: _, ...rest } = wish ?? {};
  const entries = Object.entries(rest).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
