import { describe, expect, it } from 'vitest';
import {
  checkFp8Format,
  defaultMax,
  formatInfo,
  formatName,
  gridNumbers,
  gridValues,
} from '../../lib/fp8/format';
import { expectError } from '../support/errors';

/** All formats of up to 8 bits. */
const FORMATS = [0, 1, 2, 3, 4, 5, 6].flatMap((mantissa) =>
  Array.from({ length: 7 - mantissa }, (_, i) => ({ mantissa, exponent: i + 1 })),
);

describe('the largest number at the default bias', () => {
  it.each([
    [5, 2, 3.9375],
    [4, 3, 15.5],
    [3, 4, 240],
    [2, 5, 57344],
  ])('%im%ie: %d', (mantissa, exponent, max) => {
    expect(defaultMax({ mantissa, exponent })).toBe(max);
    expect(gridValues({ mantissa, exponent }).at(-1)).toBe(max);
  });
});

describe('gridValues', () => {
  it.each(FORMATS)('%o: as many as codes, rising, 0 first, max last', ({ mantissa, exponent }) => {
    for (const max of [1, 0.1, 3e38, 2 ** -149]) {
      const values = gridValues({ mantissa, exponent, max });
      expect(values.length).toBe(2 ** (mantissa + exponent));
      expect(values[0]).toBe(0);
      expect(values.at(-1)).toBe(Math.fround(max));
      expect(values.every((v, i) => i === 0 || v > values[i - 1]!)).toBe(true);
    }
  });

  it('6m1e are the codes 0 … 127', () => {
    expect([...gridValues({ mantissa: 6, exponent: 1, max: 127 })]).toEqual(
      Array.from({ length: 128 }, (_, i) => i),
    );
  });

  it('follows the formula by bias: 2^(k − M − b)', () => {
    // Kuzmin et al.: b = 2^E − log2 c + log2(2 − 2^−M) − 1; here b = 4 for 4m3e of 15.5.
    const values = gridValues({ mantissa: 4, exponent: 3, max: 15.5 });
    const bias = 4;
    const paper = Array.from({ length: 128 }, (_, code) => {
      const [p, m] = [code >> 4, code & 15];
      return p === 0 ? 2 ** (1 - bias) * (m / 16) : 2 ** (p - bias) * (1 + m / 16);
    });
    expect([...values]).toEqual(paper);
  });

  it('of the storage formats', () => {
    const e4m3fn = gridValues('e4m3fn');
    expect([e4m3fn.length, e4m3fn[1], e4m3fn.at(-1)]).toEqual([127, 2 ** -9, 448]);
    const e5m2 = gridValues('e5m2', 0.5);
    expect([e5m2.length, e5m2[1], e5m2.at(-1)]).toEqual([124, 2 ** -17, 28672]);
  });

  it('the numbers before they are scaled are floats of M + 1 bits', () => {
    for (const format of FORMATS) {
      const numbers = gridNumbers(formatInfo(format));
      expect(numbers.every((q) => Math.fround(q) === q)).toBe(true);
    }
  });
});

describe('checkFp8Format', () => {
  it.each([
    undefined,
    null,
    'e3m4',
    'fp8-search',
    7,
    {},
    { mantissa: 7, exponent: 1 },
    { mantissa: -1, exponent: 2 },
    { mantissa: 3, exponent: 0 },
    { mantissa: 3, exponent: 5 },
    { mantissa: 1.5, exponent: 2 },
    { mantissa: 3, exponent: 4, max: 0 },
    { mantissa: 3, exponent: 4, max: -1 },
    { mantissa: 3, exponent: 4, max: 1e39 },
    { mantissa: 3, exponent: 4, max: 1e-50 },
    { mantissa: 3, exponent: 4, max: Number.NaN },
    { mantissa: 3, exponent: 4, bias: 8 },
  ])('refuses %o', (format) => {
    expectError(() => checkFp8Format('format', format), 'ERR_ARGUMENT', /^expected .*but received/);
  });

  it('takes what it should', () => {
    for (const format of [...FORMATS, 'e4m3fn', 'e5m2', { mantissa: 5, exponent: 2, max: 2 ** -149 }])
      expect(() => checkFp8Format('format', format)).not.toThrow();
  });

  it('names formats', () => {
    expect([formatName('e5m2'), formatName({ mantissa: 3, exponent: 4 })]).toEqual(['e5m2', '3m4e']);
  });
});
