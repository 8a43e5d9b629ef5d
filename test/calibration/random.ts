/** Seeded numbers for the tests of this folder. */

/** Uniform in [0, 1): mulberry32, 2^32 states. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** N(0, 1) by Box–Muller, float32. */
export function normals(count: number, seed: number): Float32Array {
  const next = uniform(seed);
  return Float32Array.from({ length: count }, () => {
    return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  });
}

/** U[−1, 1], float32. */
export function uniforms(count: number, seed: number): Float32Array {
  const next = uniform(seed);
  return Float32Array.from({ length: count }, () => 2 * next() - 1);
}

/** The N(0, 1) quantiles (i + ½)/count: a sample without sampling noise. Φ by the trapezoidal rule, step 1e−5. */
export function normalQuantiles(count: number): Float32Array {
  const quantiles = new Float32Array(count);
  const step = 1e-5;
  const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  let below = 0;
  for (let i = 0, k = Math.round(-7 / step); i < count; k++) {
    below += ((density(k * step) + density((k + 1) * step)) / 2) * step;
    while (i < count && below >= (i + 0.5) / count) quantiles[i++] = (k + 1) * step;
  }
  return quantiles;
}
