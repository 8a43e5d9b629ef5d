import { describe, expect, it } from 'vitest';
import { e4m3Grid, scaledLevels } from '../../lib/report/float8';

describe('E4M3FN', () => {
  it('has the numbers of the format', () => {
    const all = scaledLevels(0.5);
    expect([all.length, all[0], all[126], all.at(-1)]).toEqual([253, -224, 0, 224]);
  });

  it('rounds to the nearest, a tie to the even code', () => {
    const { round, min, max } = e4m3Grid(1);
    expect([min, max]).toEqual([-448, 448]);
    for (const level of scaledLevels(1)) expect(round(level)).toBe(level === 0 ? 0 : level);
    // 16, 18, 20: codes of even mantissa at 16 and 20.
    expect([17, 19, -17, 17.01, 0.5 * 2 ** -9, 1.5 * 2 ** -9].map(round)).toEqual([
      16,
      20,
      -16,
      18,
      0,
      2 ** -8,
    ]);
    expect(e4m3Grid(0.25).round(100)).toBe(96);
  });
});
