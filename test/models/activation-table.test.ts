import { describe, expect, it } from 'vitest';
import { activationTable } from '../../lib/models/activation-table';
import type { CodesValue } from '../../lib/models/graph';
import { FUNCTIONS } from '../support/functions';
import { rne } from '../support/rounding';

const grid = (dtype: 'int8' | 'uint8', scale: number, zeroPoint: number): CodesValue => ({
  features: 1,
  dtype,
  scale: Float32Array.of(scale),
  zeroPoint,
});

describe('activationTable', () => {
  it.each([
    [grid('uint8', 0.03, 120), grid('uint8', 1 / 255, 0)],
    [grid('int8', 0.05, -7), grid('uint8', 1 / 255, 3)],
    [grid('uint8', 0.03, 0), grid('int8', 1 / 128, 5)],
  ])('%o → %o', (from, to) => {
    const table = activationTable({ op: 'sigmoid', attributes: {} }, from, to);
    expect(table).toBeInstanceOf(to.dtype === 'uint8' ? Uint8Array : Int8Array);
    const [lo, low] = [from, to].map(({ dtype }) => (dtype === 'int8' ? -128 : 0)) as [number, number];
    const expected = Array.from({ length: 256 }, (_, i) => {
      const x = from.scale[0]! * (lo + i - from.zeroPoint);
      const code = rne(FUNCTIONS.sigmoid(x, {}) / to.scale[0]!) + to.zeroPoint;
      return Math.min(Math.max(code, low), low + 255);
    });
    expect([...table]).toEqual(expected);
  });
});
