import { describe, expect, it } from 'vitest';
import { gridValues, quantizeFp8 } from '../../lib/fp8';
import { expectError } from '../support/errors';
import { Seeded } from '../support/random';

/** The nearest of a list, by looking at all of them; of equally near ones the one with the even index. */
function nearest(x: number, values: Float64Array): number {
  let best = 0;
  for (let k = 1; k < values.length; k++) {
    const [d, e] = [Math.abs(values[k]! - Math.abs(x)), Math.abs(values[best]! - Math.abs(x))];
    if (d < e || (d === e && k % 2 === 0)) best = k;
  }
  return Math.fround(Math.sign(x) * values[best]!);
}

describe('quantizeFp8', () => {
  it.each([
    { mantissa: 5, exponent: 2 },
    { mantissa: 4, exponent: 3, max: 7 },
    { mantissa: 3, exponent: 4, max: 0.1 },
    { mantissa: 2, exponent: 5 },
    { mantissa: 6, exponent: 1, max: 3.92 },
    { mantissa: 1, exponent: 6, max: 1 },
    'e4m3fn' as const,
    'e5m2' as const,
  ])('%o: the nearest number of the grid', (format) => {
    const values = gridValues(format);
    const x = new Seeded(1).normals(4000, values.at(-1)! / 3);
    expect([...quantizeFp8(x, format)]).toEqual([...x].map((v) => nearest(v, values)));
  });

  it('ends, zeros, NaN', () => {
    const x = Float32Array.of(
      0,
      -0,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
      1e-30,
      -1e-30,
    );
    expect([...quantizeFp8(x, { mantissa: 4, exponent: 3, max: 5 })]).toEqual([
      0,
      -0,
      5,
      -5,
      Number.NaN,
      0,
      -0,
    ]);
  });

  it('the largest number is kept: F(±c) = ±c', () => {
    const random = new Seeded(2);
    for (let i = 0; i < 500; i++) {
      const max = Math.fround(2 ** random.integer(-140, 120) * (1 + random.uniform()));
      for (let mantissa = 1; mantissa <= 6; mantissa++) {
        const format = { mantissa, exponent: 7 - mantissa };
        expect([...quantizeFp8(Float32Array.of(max, -max), format, { max })]).toEqual([max, -max]);
      }
    }
  });

  it('a largest number, or a scale, for each row', () => {
    const x = Float32Array.of(1, 2, 3, 1, 2, 3);
    const format = { mantissa: 6, exponent: 1 };
    expect([...quantizeFp8(x, format, { max: Float32Array.of(1, 127) })]).toEqual([1, 1, 1, 1, 2, 3]);
    expect([...quantizeFp8(x, 'e5m2', { scale: Float32Array.of(2 ** -15, 1) })]).toEqual([
      1, 1.75, 1.75, 1, 2, 3,
    ]);
    expect([...quantizeFp8(x, format, { max: 2 })].slice(0, 3)).toEqual([
      ...quantizeFp8(x.slice(0, 3), { ...format, max: 2 }),
    ]);
    const out = new Float32Array(6);
    expect(quantizeFp8(x, 'e4m3fn', { scale: 0.5, out })).toBe(out);
    expect([...out]).toEqual([1, 2, 3, 1, 2, 3]);
  });

  it('what it refuses', () => {
    const x = new Float32Array(4);
    const format = { mantissa: 4, exponent: 3 };
    expectError(() => quantizeFp8([1] as never, format), 'ERR_DTYPE');
    expectError(() => quantizeFp8(x, 'int8' as never), 'ERR_ARGUMENT');
    expectError(() => quantizeFp8(x, format, { scale: 1 }), 'ERR_ARGUMENT', /keys max/);
    expectError(() => quantizeFp8(x, 'e5m2', { max: 1 }), 'ERR_ARGUMENT', /keys scale/);
    expectError(() => quantizeFp8(x, format, { max: '1' as never }), 'ERR_ARGUMENT');
    expectError(() => quantizeFp8(x, format, { max: Number.NaN }), 'ERR_ARGUMENT');
    expectError(() => quantizeFp8(x, format, { max: new Float32Array(0) }), 'ERR_SHAPE');
    expectError(() => quantizeFp8(x, format, { max: Float32Array.of(1, 1, 1) }), 'ERR_SHAPE');
    expectError(() => quantizeFp8(x, format, { max: Float32Array.of(1, 0) }), 'ERR_ARGUMENT');
    expectError(() => quantizeFp8(x, 'e4m3fn', { scale: 1e38 }), 'ERR_ARGUMENT');
    expectError(() => quantizeFp8(x, format, { out: x }), 'ERR_ARGUMENT', /overlap/);
    expectError(() => quantizeFp8(x, format, { out: new Float32Array(3) }), 'ERR_SHAPE');
    expectError(() => quantizeFp8(x, format, { out: new Float64Array(4) as never }), 'ERR_DTYPE');
  });
});
