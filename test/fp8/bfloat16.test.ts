import { expect, test } from 'vitest';
import { fromBfloat16, toBfloat16 } from '../../lib/fp8/bfloat16';
import { Seeded } from '../support/random';

const round = (x: number): number => fromBfloat16(toBfloat16(Float32Array.of(x)))[0]!;

test('nearest, ties to even', () => {
  expect(round(2.46392)).toBe(2.46875);
  expect(round(1 + 2 ** -8)).toBe(1);
  expect(round(1 + 3 * 2 ** -8)).toBe(1 + 2 ** -6);
  expect(round(1 + 2 ** -8 + 2 ** -23)).toBe(1 + 2 ** -7);
  expect(round(-0)).toBe(-0);
  expect(round(2 ** -149)).toBe(0);
  expect(round(3.4e38)).toBe(Infinity);
  expect(round(-Infinity)).toBe(-Infinity);
});

test('NaN stays NaN, whatever its bits', () => {
  for (const bits of [0x7f800001, 0x7fc00000, 0xffffffff, 0xff800001]) {
    const nan = new Float32Array(Uint32Array.of(bits).buffer);
    expect(fromBfloat16(toBfloat16(nan))[0]).toBeNaN();
  }
});

test('all 65,536 codes come back', () => {
  const codes = Uint16Array.from({ length: 65_536 }, (_, i) => i);
  const back = toBfloat16(fromBfloat16(codes));
  codes.forEach((code, i) => {
    const isNaN16 = (code & 0x7fff) > 0x7f80;
    expect(back[i]).toBe(isNaN16 ? code | 0x40 : code);
  });
});

test('no neighbour is nearer', () => {
  const x = new Seeded(1).normals(2000, 10);
  const halves = toBfloat16(x);
  const rounded = fromBfloat16(halves);
  for (const by of [-1, 1]) {
    const neighbour = fromBfloat16(halves.map((h) => h + by));
    x.forEach((v, i) => {
      expect(Math.abs(rounded[i]! - v)).toBeLessThanOrEqual(Math.abs(neighbour[i]! - v));
    });
  }
});

test('other arrays: ERR_DTYPE', () => {
  const wrong = expect.objectContaining({ code: 'ERR_DTYPE' });
  expect(() => toBfloat16([1] as unknown as Float32Array)).toThrow(wrong);
  expect(() => fromBfloat16(Float32Array.of(1) as unknown as Uint16Array)).toThrow(wrong);
});
