import { describe, expect, it } from 'vitest';
import { encodeNumbers, invalidCode, numberTable, signBit } from '../../lib/fp8/codes';
import { formatInfo, gridNumbers } from '../../lib/fp8/format';

const FORMATS = [0, 1, 2, 3, 4, 5, 6].flatMap((mantissa) =>
  Array.from({ length: 7 - mantissa }, (_, i) => ({ mantissa, exponent: i + 1 })),
);

describe.each([...FORMATS, 'e4m3fn' as const, 'e5m2' as const])('%o', (format) => {
  const info = formatInfo(format);

  it('number → code → number, both signs', () => {
    const positive = Float32Array.from(gridNumbers(info));
    const negative = positive.map((q) => -q);
    expect([...encodeNumbers(positive, info)]).toEqual(positive.length === 0 ? [] : [...positive.keys()]);
    expect([...encodeNumbers(negative, info)]).toEqual([...positive.keys()].map((k) => k + signBit(info)));
    const table = numberTable(info);
    const codes = encodeNumbers(negative, info);
    expect([...codes].map((code) => table[code])).toEqual([...negative]);
  });

  it('finds what is no number', () => {
    const all = Uint8Array.from({ length: 256 }, (_, code) => code);
    const numbers = all.filter((code) => !Number.isNaN(numberTable(info)[code]));
    expect(numbers.length).toBe(2 * info.codes);
    expect(invalidCode(numbers, info)).toBeUndefined();
    for (const code of all.filter((c) => !numbers.includes(c)))
      expect(invalidCode(Uint8Array.of(0, code, 0), info)).toBe(1);
  });
});
