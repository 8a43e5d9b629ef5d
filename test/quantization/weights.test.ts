import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_SCALE, MIN_SCALE } from '../../lib/quantization/affine';
import { maxWeightCode } from '../../lib/quantization/bits';
import {
  quantizeBias,
  quantizeWeights,
  scalesThatFitBias,
  weightScales,
} from '../../lib/quantization/weights';
import { Seeded } from '../support/random';
import { rne } from '../support/rounding';

const f = Math.fround;
const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;
/** Every magnitude a float32 has, zero and subnormals included. */
const anyFloat = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 2 ** -149, FLOAT32_MAX),
);
const anyScale = fc.float({ min: f(MIN_SCALE), max: f(MAX_SCALE), noNaN: true });

describe('weightScales', () => {
  it('is fl(max|w|/127) of each output feature', () => {
    const random = new Seeded(41);
    const w = random.normals(5 * 9);
    const scales = Array.from({ length: 5 }, (_, n) =>
      f(Math.max(...w.subarray(n * 9, n * 9 + 9).map(Math.abs)) / 127),
    );
    expect([...weightScales(w, 5, false)]).toEqual(scales);
    expect([...weightScales(w, 5, true)]).toEqual([Math.max(...scales)]);
  });

  it.each([
    ['an all-zero column takes the largest scale', [1, -2, 0, 0, 127, 3], 3, [f(2 / 127), 1, 1]],
    ['a column of subnormals too', [2 ** -149, -(2 ** -130), 0, 254], 2, [2, 2]],
    ['all zero gives 1', [0, 0, 0, 0], 2, [1, 1]],
    ['all subnormal gives 1', [2 ** -149, 0, 2 ** -126, 0], 2, [1, 1]],
    ['the smallest scale', [127 * MIN_SCALE, 0], 1, [MIN_SCALE]],
    ['the largest float32', [FLOAT32_MAX, -1], 1, [f(FLOAT32_MAX / 127)]],
  ])('%s', (_, w, outFeatures, scales) => {
    expect([...weightScales(Float32Array.from(w), outFeatures, false)]).toEqual(scales);
    expect([...weightScales(Float32Array.from(w), outFeatures, true)]).toEqual([Math.max(...scales)]);
  });
});

it.each([
  [2, 1],
  [3, 3],
  [4, 7],
  [8, 127],
] as const)('%d bits have codes to ±%d', (bits, max) => {
  const w = new Seeded(43).normals(4 * 50);
  const scale = weightScales(w, 4, false, bits);
  expect(maxWeightCode(bits)).toBe(max);
  expect([...scale]).toEqual(
    [...weightScales(w, 4, false)].map((_, n) =>
      f(Math.max(...w.subarray(n * 50, n * 50 + 50).map(Math.abs)) / max),
    ),
  );
  const { data } = quantizeWeights(w, 4, scale, bits);
  for (let n = 0; n < 4; n++) expect(Math.max(...data.subarray(n * 50, n * 50 + 50).map(Math.abs))).toBe(max);
  expect([...quantizeWeights(Float32Array.of(9, -9), 1, Float32Array.of(1), bits).data]).toEqual([
    Math.min(9, max),
    -Math.min(9, max),
  ]);
});

describe('quantizeWeights', () => {
  it('is clamp(rne(fl(w/sw)), ±127)', () => {
    const random = new Seeded(42);
    for (const perTensor of [false, true]) {
      const w = random.normals(7 * 30);
      const scale = weightScales(w, 7, perTensor);
      const { data, scale: kept } = quantizeWeights(w, 7, scale);
      const at = (i: number) => scale[perTensor ? 0 : Math.floor(i / 30)]!;
      const codes = Array.from(w, (v, i) => Math.min(Math.max(rne(f(v / at(i))), -127), 127) + 0);
      expect(kept).toBe(scale);
      expect([...data]).toEqual(codes);
      expect(Math.max(...data.map(Math.abs))).toBe(127);
    }
  });

  it('rounds half to even, and never to −128', () => {
    const { data } = quantizeWeights(
      Float32Array.of(0.5, 1.5, 2.5, -0.5, -1.5, -127.5, -1e30, 1e30),
      1,
      Float32Array.of(1),
    );
    expect([...data]).toEqual([0, 2, 2, 0, -2, -127, -127, 127]);
  });

  it('divides even where the quotient is beyond float32', () => {
    const { data } = quantizeWeights(
      Float32Array.of(FLOAT32_MAX, -FLOAT32_MAX, 2 ** -149),
      1,
      Float32Array.of(MIN_SCALE),
    );
    expect([...data]).toEqual([127, -127, 0]);
  });
});

describe('scalesThatFitBias', () => {
  it('keeps scales where the bias fits', () => {
    const scale = Float32Array.of(0.5, 0.25);
    const fitted = scalesThatFitBias(scale, 0.125, Float32Array.of(2 ** 30 / 16, -(2 ** 30) / 32));
    expect([...fitted]).toEqual([0.5, 0.25]);
    expect(fitted).not.toBe(scale);
    expect([...scalesThatFitBias(scale, 0.125, undefined)]).toEqual([0.5, 0.25]);
  });

  it('raises to fl(|b_f| / fl(sx·2^30)) where it does not', () => {
    const [sx, bias] = [f(0.003), Float32Array.of(-1e9, 1, 5e8)];
    const fitted = scalesThatFitBias(Float32Array.of(1e-3, 1e-3, 1e-3), sx, bias);
    expect([...fitted]).toEqual([f(1e9 / f(sx * 2 ** 30)), f(1e-3), f(f(5e8) / f(sx * 2 ** 30))]);
  });

  it('one scale for all fits the largest bias, whatever its place', () => {
    for (const bias of [
      Float32Array.of(1, 1e9, 2),
      Float32Array.of(1e9, 2, 1),
      Float32Array.of(2, 1, -1e9),
    ]) {
      expect([...scalesThatFitBias(Float32Array.of(1e-3), 1, bias)]).toEqual([f(1e9 / 2 ** 30)]);
    }
  });

  it('lowers where the product overflows float32', () => {
    const [fitted] = scalesThatFitBias(Float32Array.of(2 ** 120), 2 ** 100, undefined);
    expect(fitted).toBe(2 ** 26);
    expect(Number.isFinite(f(2 ** 100 * fitted!))).toBe(true);
  });

  it('gives a legal scale for anything finite, with a finite product', () => {
    fc.assert(
      fc.property(anyScale, anyScale, anyFloat, (scale, inputScale, bias) => {
        const fitted = scalesThatFitBias(Float32Array.of(scale), inputScale, Float32Array.of(bias))[0]!;
        expect(fitted).toBeGreaterThanOrEqual(MIN_SCALE);
        expect(fitted).toBeLessThanOrEqual(MAX_SCALE);
        const product = f(inputScale * fitted);
        expect(Number.isFinite(product)).toBe(true);
        const code = quantizeBias(Float32Array.of(bias), Float32Array.of(product))[0]!;
        expect(Math.abs(code)).toBeLessThanOrEqual(2 ** 30);
      }),
      { numRuns: 5000 },
    );
  });

  it('a subnormal bias does not lower a scale', () => {
    const [fitted] = scalesThatFitBias(Float32Array.of(MIN_SCALE), 2 ** -60, Float32Array.of(2 ** -149));
    expect(fitted).toBeGreaterThanOrEqual(MIN_SCALE);
  });
});

describe('quantizeBias', () => {
  it('is rne(b_f / double(fl(sx·sw)))', () => {
    const random = new Seeded(43);
    const bias = random.normals(50, 10);
    const scale = Float32Array.from({ length: 50 }, () => 0.001 + random.uniform());
    expect([...quantizeBias(bias, scale)]).toEqual(Array.from(bias, (b, n) => rne(b / scale[n]!) + 0));
    expect([...quantizeBias(Float32Array.of(0.5, 1.5, -2.5), Float32Array.of(1))]).toEqual([0, 2, -2]);
  });

  it('stays in ±2^30, and zero is zero whatever the scale', () => {
    const bias = Float32Array.of(1e30, -1e30, 0, -0);
    expect([...quantizeBias(bias, Float32Array.of(1))]).toEqual([2 ** 30, -(2 ** 30), 0, 0]);
    expect([...quantizeBias(bias, Float32Array.of(0))]).toEqual([2 ** 30, -(2 ** 30), 0, 0]);
  });
});
