import { expected } from '../errors';
import type { Fp8 } from '../layers/layer';
import { checkFp8Format, checkMax } from './format';

/** A simulated float8 format with its largest value. */
export type ScaledFp8 = Required<Fp8>;

/**
 * How a value meets its grid: before the last rounding, F = step·code.
 *
 *     K = 2^(M+1) − 1,   t = |xc|·K/c,   e = max(exponent of t, M + 2 − 2^E),   step = 2^(e−M)·c/K,   code = rne(t·2^(M−e))
 *
 * Source: docs/numerics.md, FP8; with p and b of Kuzmin et al. 2022 step = 2^(p−M−b).
 */
export interface Cell {
  /** Of |x| clipped; the sign is x's. */
  readonly magnitude: number;
  readonly clipped: boolean;
  readonly step: number;
  /** magnitude / step, not rounded. */
  readonly position: number;
  /** e is the exponent of t itself, not the least one: the spacing follows the value. */
  readonly normal: boolean;
}

export function cellOf(x: number, { mantissa, exponent, max }: ScaledFp8): Cell {
  const largest = 2 ** (mantissa + 1) - 1;
  const clipped = Math.abs(x) > max;
  const magnitude = clipped ? max : Math.abs(x);
  const t = (magnitude * largest) / max;
  const least = mantissa + 2 - 2 ** exponent;
  const own = binaryExponent(t);
  const unit = 2 ** (Math.max(own, least) - mantissa);
  return { magnitude, clipped, step: (unit * max) / largest, position: t / unit, normal: own >= least };
}

const float64 = new Float64Array(1);
const words = new Uint32Array(float64.buffer);
/** Of Node's platforms all are little-endian but s390x, for which there is no binary. */
const UPPER = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** floor(log2 t) of a normal float64 > 0; less than any normal number's for 0 and subnormals. */
function binaryExponent(t: number): number {
  float64[0] = t;
  return (words[UPPER]! >>> 20) - 1023;
}

/** Errors: ERR_ARGUMENT. */
export function checkScaledFp8(format: unknown): asserts format is ScaledFp8 {
  if (typeof format !== 'object')
    throw expected('ERR_ARGUMENT', 'a format { mantissa, exponent, max }', format);
  checkFp8Format('format', format);
  checkMax('max of format', (format as Fp8).max);
}
