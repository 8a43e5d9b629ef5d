import { describe, expect, it } from 'vitest';
import { widenBFloat16, widenFloat16 } from '../../lib/formats/half-floats';

const codes = Uint16Array.from({ length: 65_536 }, (_, i) => i);
const bytes = new Uint8Array(codes.buffer);

/** The IEEE 754 definition, with no bit moved into place. */
function reference(code: number, exponentBits: number, fractionBits: number): number {
  const sign = code >= 32_768 ? -1 : 1;
  const scale = 2 ** fractionBits;
  const fraction = (code % scale) / scale;
  const exponent = Math.floor(code / scale) % 2 ** exponentBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1)
    return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

describe.each([
  { name: 'float16', widen: widenFloat16, exponentBits: 5, fractionBits: 10 },
  { name: 'bfloat16', widen: widenBFloat16, exponentBits: 8, fractionBits: 7 },
])('$name', ({ widen, exponentBits, fractionBits }) => {
  it('has the value of the definition for all 65536 codes', () => {
    const values = widen(bytes);
    let wrong = 0;
    // Object.is: -0 and NaN count.
    for (const code of codes) {
      if (!Object.is(values[code], reference(code, exponentBits, fractionBits))) wrong++;
    }
    expect(values).toHaveLength(65_536);
    expect(wrong).toBe(0);
  });

  it('keeps sign and payload of NaN', () => {
    const bits = new Uint32Array(widen(bytes).buffer);
    for (const code of codes) {
      if (!Number.isNaN(reference(code, exponentBits, fractionBits))) continue;
      const payload = (code % 2 ** fractionBits) * 2 ** (23 - fractionBits);
      const sign = code >= 32_768 ? 2 ** 31 : 0;
      expect(bits[code]).toBe(sign + 0x7f800000 + payload);
    }
  });

  it('reads from an odd offset', () => {
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expect(new Uint32Array(widen(shifted.subarray(1)).buffer)).toEqual(new Uint32Array(widen(bytes).buffer));
  });
});

it('knows the landmarks', () => {
  const half = (code: number) => widenFloat16(Uint8Array.of(code & 255, code >> 8))[0];
  expect(half(0x3c00)).toBe(1);
  expect(half(0xc000)).toBe(-2);
  expect(half(0x7bff)).toBe(65504);
  expect(half(0x0400)).toBe(2 ** -14);
  expect(half(0x03ff)).toBe(1023 * 2 ** -24);
  expect(half(0x0001)).toBe(2 ** -24);
  const brain = (code: number) => widenBFloat16(Uint8Array.of(code & 255, code >> 8))[0];
  expect(brain(0x3f80)).toBe(1);
  expect(brain(0x4049)).toBe(3.140625);
  expect(brain(0x0001)).toBe(2 ** -133);
});
