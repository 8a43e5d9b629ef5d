import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_SCALE, MIN_SCALE } from '../../lib/quantization/affine';
import { int4Scales, invalidInt4Byte, quantizeInt4 } from '../../lib/quantization/int4';
import { Seeded } from '../support/random';
import { rne } from '../support/rounding';

const f = Math.fround;
const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;

/** The codes of a row, read by the letter of docs/model-format.md. */
function codes(data: Uint8Array, inFeatures: number, row = 0): number[] {
  const bytes = data.subarray(row * Math.ceil(inFeatures / 2));
  return Array.from({ length: inFeatures }, (_, k) => {
    const nibble = k % 2 === 0 ? bytes[k >> 1]! & 15 : bytes[k >> 1]! >> 4;
    return nibble < 8 ? nibble : nibble - 16;
  });
}

const bitsOf = (x: number): number => new Uint32Array(Float32Array.of(x).buffer)[0]!;

describe('int4Scales', () => {
  it('are the next float32 of 8 significant bits above fl(max|w|/7), a group', () => {
    const anyFloat = fc.oneof(
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(7, 7.5, FLOAT32_MAX, 7 * MIN_SCALE),
    );
    fc.assert(
      fc.property(fc.array(anyFloat, { minLength: 1, maxLength: 100 }), (values) => {
        const weight = Float32Array.from(values);
        const scales = int4Scales(weight, 1, 32);
        expect(scales).toHaveLength(Math.ceil(values.length / 32));
        scales.forEach((scale, g) => {
          const exact = f(Math.max(...weight.subarray(32 * g, 32 * g + 32).map(Math.abs)) / 7);
          if (exact < MIN_SCALE) return;
          expect(bitsOf(scale) % 2 ** 16).toBe(0);
          expect(scale).toBeGreaterThanOrEqual(exact);
          expect(scale).toBeLessThanOrEqual(MAX_SCALE);
          // The one before would be too small.
          expect(bitsOf(scale) - bitsOf(exact)).toBeLessThan(2 ** 16);
        });
      }),
    );
  });

  it('a group of zeros or subnormals takes the largest one, 1 if none', () => {
    const weight = new Float32Array(2 * 70);
    weight.set([7, -14, 2 ** -140]);
    weight[2 * 70 - 1] = 28;
    expect([...int4Scales(weight, 2, 32)]).toEqual([2, 4, 4, 4, 4, 4]);
    expect([...int4Scales(new Float32Array(3), 1, 64)]).toEqual([1]);
  });
});

describe('quantizeInt4', () => {
  it('q = clamp(rne(fl(w/s)), ±7), two a byte, the low nibble first', () => {
    const random = new Seeded(43);
    for (const [out, inFeatures] of [
      [1, 1],
      [3, 33],
      [5, 64],
      [2, 131],
    ] as const) {
      const weight = random.normals(out * inFeatures);
      for (const groupSize of [32, 64, 128]) {
        const { data, scale } = quantizeInt4(weight, out, groupSize);
        const groups = Math.ceil(inFeatures / groupSize);
        for (let n = 0; n < out; n++) {
          const expected = Array.from({ length: inFeatures }, (_, k) => {
            const s = scale[n * groups + Math.floor(k / groupSize)]!;
            return Math.min(Math.max(rne(f(weight[n * inFeatures + k]! / s)), -7), 7) + 0;
          });
          expect(codes(data, inFeatures, n)).toEqual(expected);
        }
        expect(invalidInt4Byte(data, inFeatures)).toBeUndefined();
      }
    }
  });

  it('keeps scales that were chosen beforehand, and saturates', () => {
    const { data, scale } = quantizeInt4(
      Float32Array.of(100, -100, 1.5, -2.5, FLOAT32_MAX),
      1,
      32,
      Float32Array.of(1),
    );
    expect([...scale]).toEqual([1]);
    expect(codes(data, 5)).toEqual([7, -7, 2, -2, 7]);
  });
});

it('bytes that hold no codes are found', () => {
  expect(invalidInt4Byte(Uint8Array.of(0x71, 0x9f), 4)).toBeUndefined();
  expect(invalidInt4Byte(Uint8Array.of(0x71, 0x18), 4)).toBe(1);
  expect(invalidInt4Byte(Uint8Array.of(0x81, 0x11), 4)).toBe(0);
  expect(invalidInt4Byte(Uint8Array.of(0x11, 0x01, 0x11, 0x01), 3)).toBeUndefined();
  expect(invalidInt4Byte(Uint8Array.of(0x11, 0x01, 0x11, 0x11), 3)).toBe(3);
});
