/** fma on float32 values in exact arithmetic, rounded once; finite arguments. */
export function fma32(a: number, b: number, c: number): number {
  const [x, y, z] = [exact(a), exact(b), exact(c)];
  const exponent = Math.min(x.exponent + y.exponent, z.exponent);
  const sum =
    ((x.mantissa * y.mantissa) << BigInt(x.exponent + y.exponent - exponent)) +
    (z.mantissa << BigInt(z.exponent - exponent));
  return round(sum, exponent);
}

interface Exact {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** x = mantissa · 2^exponent */
function exact(x: number): Exact {
  let exponent = 0;
  let mantissa = x;
  while (!Number.isInteger(mantissa)) [mantissa, exponent] = [mantissa * 2, exponent - 1];
  return { mantissa: BigInt(mantissa), exponent };
}

/** To odd in 50 bits, which float64 holds, and from there to float32: as if rounded once. */
function round(mantissa: bigint, exponent: number): number {
  const sign = mantissa < 0n ? -1 : 1;
  let m = mantissa < 0n ? -mantissa : mantissa;
  const surplus = Math.max(m.toString(2).length - 50, 0);
  const lost = m & ((1n << BigInt(surplus)) - 1n);
  m >>= BigInt(surplus);
  if (lost !== 0n) m |= 1n;
  return Math.fround(sign * Number(m) * 2 ** (exponent + surplus));
}
