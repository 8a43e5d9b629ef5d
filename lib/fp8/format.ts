import type { Fp8 } from '../layers/layer';

/** All values ≥ 0 of a format, ascending. */
export function gridValues({ mantissa: M, exponent: E, max = 1 }: Fp8): Float64Array {
  const K = 2 ** (M + 1) - 1;
  const values = [];
  for (let code = 0; code < 2 ** (M + E); code++) {
    const p = Math.floor(code / 2 ** M);
    const m = (code % 2 ** M) + (p > 0 ? 2 ** M : 0);
    const e = Math.max(p, 1) - 1 + (M + 2 - 2 ** E);
    values.push((m * 2 ** (e - M) * max) / K);
  }
  return Float64Array.from(values);
}
