import { expected, RequantError } from '../errors';
import { checkFp8Format, type Fp8Format, isFp8Format, isStorageFormat } from '../fp8/format';
import { denominatorBounds } from '../fp8/grid';
import type { Format, LayerQuantization } from '../layers/layer';
import { checkWeightScales } from '../layers/linear';

/** What a layer may ask for: a format, or the one that a search finds. */
export type Fp8Choice = Fp8Format | 'fp8-search';

export function isFp8Choice(format: Format): format is Fp8Choice {
  return format === 'fp8-search' || isFp8Format(format);
}

/**
 * A layer's float8 wish. Its `scale` holds the scales of a storage format, or the largest numbers of another, one or one
 * an output feature. Errors: ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE, ERR_UNSUPPORTED.
 */
export function checkFp8Wish(
  name: string,
  format: Fp8Choice,
  { bits, activationBits, groupSize, scale }: LayerQuantization,
  outFeatures: number,
): void {
  if (format !== 'fp8-search') checkFp8Format(`format of '${name}'`, format);
  if ((bits ?? 8) !== 8 || (activationBits ?? 8) !== 8 || groupSize !== undefined) {
    throw new RequantError(
      'ERR_UNSUPPORTED',
      `expected float8 for '${name}' without groups or other numbers of bits but received ${JSON.stringify({ bits, activationBits, groupSize })}`,
    );
  }
  if (scale === undefined) return;
  if (format === 'fp8-search')
    throw expected('ERR_ARGUMENT', `no scale of '${name}' beside format 'fp8-search'`, scale);
  checkWeightScales(name, scale, [1, outFeatures]);
  const { max } = denominatorBounds(isStorageFormat(format) ? format : 'fp8');
  const large = scale.find((s) => s > max);
  if (large !== undefined) throw expected('ERR_ARGUMENT', `scales of '${name}' of at most ${max}`, large);
}
