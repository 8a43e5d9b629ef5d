/** Bits of the exponent that count. */
const BITS = 24;

/**
 * x^p for x > 0 and p in [0, 1], p taken to 2^−24: the product of the square roots √x, √√x, … that the bits of p name.
 * Only IEEE operations, so the same bits everywhere, unlike `Math.pow`.
 */
export function power(x: number, p: number): number {
  if (p === 1) return x;
  let bits = Math.round(p * 2 ** BITS);
  if (bits === 2 ** BITS) return x;
  let result = 1;
  for (let root = Math.sqrt(x), bit = 2 ** (BITS - 1); bits > 0; root = Math.sqrt(root), bit /= 2) {
    if (bits < bit) continue;
    result *= root;
    bits -= bit;
  }
  return result;
}
