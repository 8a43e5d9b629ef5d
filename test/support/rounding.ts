import type { Rounding } from '../../lib/kernels';

/** The roundings of docs/numerics.md in exact arithmetic, written from the page and not from the code. */

/** Unclamped: acc·m·2^−s as an integer. */
const ROUND: Record<Exclude<Rounding, 'float32'>, (acc: bigint, m: bigint, s: bigint) => bigint> = {
  'half-up': (acc, m, s) => floorDivide(2n * acc * m + (1n << s), 2n << s),

  'half-even': (acc, m, s) => {
    const below = floorDivide(acc * m, 1n << s);
    const twiceRest = 2n * (acc * m - (below << s));
    const one = 1n << s;
    if (twiceRest === one) return below % 2n === 0n ? below : below + 1n;
    return twiceRest < one ? below : below + 1n;
  },

  // gemmlowp's own text: division truncates, nudged away from zero; then a division by 2^n, ties away from zero.
  gemmlowp: (acc, m, s) => {
    const shifted = s < 31n ? saturate(acc << (31n - s)) : acc;
    const product = shifted * m;
    const nudge = product >= 0n ? 1n << 30n : 1n - (1n << 30n);
    const high = (product + nudge) / (1n << 31n);
    if (s <= 31n) return high;
    const n = s - 31n;
    const magnitude = high < 0n ? -high : high;
    const rounded = floorDivide(2n * magnitude + (1n << n), 2n << n);
    return high < 0n ? -rounded : rounded;
  },
};

export interface Target {
  readonly zeroPoint: number;
  readonly min: number;
  readonly max: number;
}

/** Half to even, of |x| < 2^51. */
export function rne(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

export function requantizeExactly(rounding: Rounding, acc: number, m: number, s: number, y: Target): number {
  if (rounding === 'float32') return requantizeFloat32(acc, Math.fround(m * 2 ** -s), y);
  const rounded = ROUND[rounding](BigInt(acc), BigInt(m), BigInt(s));
  const placed = rounded + BigInt(y.zeroPoint);
  return Number(placed < BigInt(y.min) ? BigInt(y.min) : placed > BigInt(y.max) ? BigInt(y.max) : placed);
}

/** zy + cvt(min(max(fl(fl(acc)·M), lo − zy), hi − zy)) */
export function requantizeFloat32(acc: number, multiplier: number, y: Target): number {
  const product = Math.fround(Math.fround(acc) * multiplier);
  return y.zeroPoint + rne(Math.min(Math.max(product, y.min - y.zeroPoint), y.max - y.zeroPoint));
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

function saturate(x: bigint): bigint {
  const [low, high] = [-(2n ** 31n), 2n ** 31n - 1n];
  return x < low ? low : x > high ? high : x;
}
