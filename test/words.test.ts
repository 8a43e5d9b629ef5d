import { describe, expect, it } from 'vitest';
import { bytes, count, plural, printable, real } from '../lib/words';

describe('printable', () => {
  it('shows what a terminal or a page would obey: controls, direction marks, half surrogates', () => {
    expect(printable('a\u001b[2Jb\u202ec\ud800')).toBe('a\\u{1b}[2Jb\\u{202e}c\\u{d800}');
    expect(printable('größe 🎈 <b>')).toBe('größe 🎈 <b>');
  });
});

describe('numbers', () => {
  it('counts and sizes', () => {
    expect([count(1234567), plural(1, 'row'), plural(2, 'row')]).toEqual(['1,234,567', '1 row', '2 rows']);
    expect([bytes(0), bytes(1023), bytes(1536), bytes(5 * 2 ** 30)]).toEqual([
      '0 B',
      '1023 B',
      '1.5 KiB',
      '5.0 GiB',
    ]);
  });

  it('reals with six digits', () => {
    expect([real(1 / 3), real(1234567), real(-0.000012345678)]).toEqual([
      '0.333333',
      '1234570',
      '-0.0000123457',
    ]);
  });
});
