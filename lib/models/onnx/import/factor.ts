/** A number for all features of a value, or one for each. float64: several steps of a file become one float32 number. */
export type Factor = number | Float64Array;

/** y = scale·x + shift, of the value `base`. */
export interface Affine {
  readonly base: string;
  readonly scale: Factor;
  readonly shift: Factor;
}

function combine(a: Factor, b: Factor, f: (a: number, b: number) => number): Factor {
  if (typeof a === 'number') return typeof b === 'number' ? f(a, b) : b.map((y) => f(a, y));
  return typeof b === 'number' ? a.map((x) => f(x, b)) : a.map((x, i) => f(x, b[i]!));
}

export const times = (a: Factor, b: Factor): Factor => combine(a, b, (x, y) => x * y);
export const plus = (a: Factor, b: Factor): Factor => combine(a, b, (x, y) => x + y);
export const over = (a: Factor, b: Factor): Factor => combine(a, b, (x, y) => x / y);

export const at = (a: Factor, i: number): number => (typeof a === 'number' ? a : a[i]!);

export function isAll(a: Factor, value: number): boolean {
  return typeof a === 'number' ? a === value : a.every((x) => x === value);
}

/** scale·(inner) + shift */
export function compose(inner: Affine, scale: Factor, shift: Factor): Affine {
  return {
    base: inner.base,
    scale: times(inner.scale, scale),
    shift: plus(times(inner.shift, scale), shift),
  };
}

/** Constants in files are float32, and written with some six digits by hand. */
const TOLERANCE = 1e-6;

export const isNear = (a: number, b: number, tolerance = TOLERANCE) =>
  Math.abs(a - b) <= tolerance * Math.abs(b);

/** The number k with a = k·b, if there is one. */
export function ratio(a: Affine, b: Affine): number | undefined {
  if (a.base !== b.base) return undefined;
  const k = at(a.scale, 0) / at(b.scale, 0);
  if (!Number.isFinite(k) || k === 0) return undefined;
  const length = [a.scale, a.shift, b.scale, b.shift].reduce<number>(
    (n, f) => (typeof f === 'number' ? n : f.length),
    1,
  );
  for (let i = 0; i < length; i++) {
    if (!isNear(at(a.scale, i), k * at(b.scale, i))) return undefined;
    // Shifts are compared by what they add to values of the scale's size.
    const difference = Math.abs(at(a.shift, i) - k * at(b.shift, i));
    if (!(difference <= TOLERANCE * Math.max(Math.abs(at(a.shift, i)), Math.abs(at(a.scale, i)))))
      return undefined;
  }
  return k;
}
