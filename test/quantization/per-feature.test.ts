import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_SCALE, MIN_SCALE } from '../../lib/quantization/affine';
import { foldInputScales, perFeatureParams } from '../../lib/quantization/per-feature';
import { Seeded } from '../support/random';

const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;

interface Column {
  readonly min: number;
  readonly max: number;
}

function columnsOf(rows: readonly (readonly number[])[]): Column[] {
  return rows[0]!.map((_, j) => {
    const column = rows.map((row) => Math.fround(row[j]!));
    return { min: Math.min(0, ...column), max: Math.max(0, ...column) };
  });
}

/** The smallest scale whose codes 0…255 around z cover the column. */
function covering({ min, max }: Column, z: number): number {
  return Math.max(min === 0 ? 0 : -min / z, max === 0 ? 0 : max / (255 - z));
}

function cost(columns: readonly Column[], z: number): number {
  return columns
    .filter(({ min, max }) => max > min)
    .reduce((sum, column) => sum + (covering(column, z) / ((column.max - column.min) / 255)) ** 2, 0);
}

const parametersOf = (rows: readonly (readonly number[])[]) =>
  perFeatureParams(Float32Array.from(rows.flat()), rows[0]!.length);

describe('perFeatureParams', () => {
  it('positive columns: zero point 0, each its own scale', () => {
    const { scale, zeroPoint } = parametersOf([
      [255, 0.51, 1e6],
      [3, 0, 2],
    ]);
    expect(zeroPoint).toBe(0);
    expect([...scale]).toEqual([1, Math.fround(0.51) / 255, 1e6 / 255].map(Math.fround));
  });

  it('negative columns: zero point 255', () => {
    expect(parametersOf([[-255, -510]])).toEqual({ zeroPoint: 255, scale: Float32Array.of(1, 2) });
  });

  it('symmetric columns: the middle', () => {
    const { scale, zeroPoint } = parametersOf([
      [1, 1000],
      [-1, -1000],
    ]);
    expect([127, 128]).toContain(zeroPoint);
    expect([...scale]).toEqual([1 / 127, 1000 / 127].map(Math.fround));
  });

  it('covers every column around the cheapest zero point', () => {
    const random = new Seeded(51);
    for (let i = 0; i < 30; i++) {
      const features = random.integer(1, 6);
      const sizes = Array.from({ length: features }, () => ({
        scale: 10 ** random.integer(-6, 6),
        shift: random.normal(),
      }));
      const rows = Array.from({ length: 40 }, () =>
        sizes.map(({ scale, shift }) => scale * (random.normal() + shift)),
      );
      const columns = columnsOf(rows);
      const { scale, zeroPoint } = parametersOf(rows);
      const costs = Array.from({ length: 256 }, (_, z) => cost(columns, z));
      expect(cost(columns, zeroPoint)).toBe(Math.min(...costs));
      expect([...scale]).toEqual(columns.map((column) => Math.fround(covering(column, zeroPoint))));
    }
  });

  it('a column of zeros takes the largest scale of the others, 1 if there is none', () => {
    expect([...parametersOf([[0, 255, 510]]).scale]).toEqual([2, 1, 2]);
    expect([...parametersOf([[0, -0]]).scale]).toEqual([1, 1]);
    expect([...parametersOf([[2 ** -149, 0]]).scale]).toEqual([1, 1]);
  });

  it('infinities do not count, as in calibration', () => {
    expect(
      parametersOf([
        [255, Infinity],
        [-Infinity, 510],
      ]),
    ).toEqual({ zeroPoint: 0, scale: Float32Array.of(1, 2) });
  });

  it('gives legal scales for any finite rows', () => {
    const value = fc.oneof(
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(0, FLOAT32_MAX, -FLOAT32_MAX, 2 ** -149),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 5 }), (rows) => {
        const { scale, zeroPoint } = parametersOf(rows);
        expect(Number.isInteger(zeroPoint) && zeroPoint >= 0 && zeroPoint <= 255).toBe(true);
        for (const s of scale) expect(s >= MIN_SCALE && s <= MAX_SCALE).toBe(true);
      }),
    );
  });
});

it('foldInputScales multiplies each input column', () => {
  const folded = foldInputScales(Float32Array.of(1, 2, 3, 4, 5, 6), Float32Array.of(10, 0.1, 2 ** -60));
  expect([...folded]).toEqual([
    10,
    Math.fround(2 * Math.fround(0.1)),
    3 * 2 ** -60,
    40,
    Math.fround(5 * Math.fround(0.1)),
    6 * 2 ** -60,
  ]);
});
