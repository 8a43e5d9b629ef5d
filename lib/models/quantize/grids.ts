import type { Calibration } from '../../calibration/types';
import { expected } from '../../errors';
import { asymmetricParams, roundHalfEven, symmetricParams } from '../../quantization/affine';
import type { ActivationBits } from '../../quantization/bits';
import { type CodesValue, codeBounds, codeRange } from '../graph';

type CodesDType = 'int8' | 'uint8';

/** The calibrated range of a value. Errors: ERR_ARGUMENT where the calibration does not know it. */
export function calibratedRange(
  calibration: Calibration | null,
  value: string,
): { min: number; max: number } {
  const ranges = calibration?.ranges ?? {};
  const range = Object.hasOwn(ranges, value) ? ranges[value] : undefined;
  if (typeof range !== 'object' || range === null) {
    throw expected(
      'ERR_ARGUMENT',
      `a calibration with a range for value '${value}'`,
      calibration === null ? null : 'one without it',
    );
  }
  return range;
}

/** The grid of a range: int8 around 0 where `symmetric`, else with a zero point; codes of fewer bits are clamped to theirs. */
export function gridOf(
  range: { min: number; max: number },
  features: number,
  dtype: CodesDType,
  symmetric: boolean,
  bits: ActivationBits = 8,
): CodesValue {
  const { lo, hi } = codeRange(dtype, bits);
  const { scale, zeroPoint } =
    symmetric && dtype === 'int8'
      ? symmetricParams(range.min, range.max, hi)
      : asymmetricParams(range.min, range.max, lo, hi);
  return { features, dtype, scale: Float32Array.of(scale), zeroPoint, ...boundsBeside(dtype, lo, hi) };
}

/** The grid with its scale doubled until every multiplier fl(s/sy) is below 64; the zero point follows. */
export function raiseScale(
  grid: CodesValue,
  accumulatorScales: Float32Array,
  range: { min: number },
  symmetric: boolean,
): CodesValue {
  const largest = accumulatorScales.reduce((a, b) => Math.max(a, b), 0);
  let scale = grid.scale[0]!;
  while (Math.fround(largest / scale) >= 64) scale *= 2;
  if (scale === grid.scale[0]) return grid;
  const { min, max } = codeBounds(grid);
  const zero = Math.min(Math.max(min - Math.min(range.min, 0) / scale, min), max);
  return {
    ...grid,
    scale: Float32Array.of(scale),
    zeroPoint: symmetric && grid.dtype === 'int8' ? 0 : roundHalfEven(zero) + 0,
  };
}

/**
 * The value clamped to real bounds as well, one pair after the other: bound → clamp(zy + rne(fl(bound/sy))). What an
 * earlier clamp leaves may lie outside of a later one: then all of it becomes one bound.
 */
export function clampGrid(
  grid: CodesValue,
  bounds: readonly (readonly [low: number, high: number])[],
): CodesValue {
  const { min: lo, max: hi } = codeBounds(grid);
  const code = (bound: number) => {
    const steps = Math.fround(Math.fround(bound) / grid.scale[0]!);
    return Math.min(Math.max(grid.zeroPoint + roundHalfEven(steps), lo), hi);
  };
  const clamped = (end: number) => bounds.reduce((x, [low, high]) => Math.min(Math.max(x, low), high), end);
  const min = code(clamped(Number.NEGATIVE_INFINITY));
  const max = code(clamped(Number.POSITIVE_INFINITY));
  return { ...grid, ...boundsBeside(grid.dtype, min, max) };
}

/** Bounds that are not those of the dtype anyway. */
function boundsBeside(dtype: CodesDType, min: number, max: number): { min?: number; max?: number } {
  const { lo, hi } = codeRange(dtype);
  return { ...(min > lo && { min }), ...(max < hi && { max }) };
}
