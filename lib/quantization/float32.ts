/** Largest finite float32; a magnitude that is not ≤ it is ±Infinity or NaN. */
export const MAX_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

/**
 * The first value outside of [min, max] (0 ≤ min, float32 bounds), NaN and negative ones included; undefined where there
 * is none. Positive float32 numbers are in the order of their bits, and small integers cost the interpreter, in which a
 * process that starts runs this, no memory; a float of its own would be garbage for each value.
 */
export function findOutside(values: Float32Array, min: number, max: number): number | undefined {
  const [low, high] = new Int32Array(Float32Array.of(min, max).buffer) as unknown as [number, number];
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    // −0 has the sign bit alone.
    if ((b < low || b > high) && !(values[i]! >= min && values[i]! <= max)) return values[i];
  }
  return undefined;
}

/** The first NaN or ±Infinity: an exponent of ones. By the bits, for the same reason. */
export function findNonFinite(values: Float32Array): number | undefined {
  const exponent = 0x7f800000;
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & exponent) === exponent) return values[i];
  return undefined;
}
