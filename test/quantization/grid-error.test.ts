import { describe, expect, it } from 'vitest';
import { quantizationError } from '../../lib/quantization/grid-error';
import { expectError } from '../support/errors';
import { Seeded } from '../support/random';

describe('quantizationError', () => {
  it('tells rounding and clipping apart: they add up', () => {
    const values = new Seeded(1).normals(50_000);
    for (const clip of [1, 2, 3.907, 6]) {
      const scale = clip / 127;
      const error = quantizationError(values, { scale, min: -127, max: 127 });
      let [total, saturated] = [0, 0];
      for (const x of values) {
        const q = Math.min(Math.max(Math.round(x / scale), -127), 127);
        total += (q * scale - x) ** 2 / values.length;
        saturated += Number(Math.abs(x) > 127 * scale) / values.length;
      }
      expect(error.total).toBeCloseTo(total, 12);
      expect(error.rounding + error.clipping).toBeCloseTo(error.total, 12);
      expect(error.saturated).toBeCloseTo(saturated, 12);
    }
  });

  it('rounding is about scale²/12, and the best clip of N(0,1) gives 40.5 dB', () => {
    const values = new Seeded(2).normals(200_000);
    const scale = 3.907 / 127;
    const { rounding, sqnrDb } = quantizationError(values, { scale, min: -128, max: 127 });
    expect(rounding / (scale ** 2 / 12)).toBeCloseTo(1, 1);
    expect(sqnrDb).toBeGreaterThan(40.3);
    expect(sqnrDb).toBeLessThan(40.8);
  });

  it('takes zero points, a scale a row, and any rounding', () => {
    const values = Float32Array.of(-1, 0, 3, 300);
    expect(quantizationError(values, { scale: 1, zeroPoint: 1, min: 0, max: 255 })).toEqual({
      rounding: 0,
      clipping: (300 - 254) ** 2 / 4,
      total: (300 - 254) ** 2 / 4,
      sqnrDb: 10 * Math.log10((1 + 9 + 300 ** 2) / (300 - 254) ** 2),
      saturated: 0.25,
    });
    const rows = quantizationError(values, { scale: Float32Array.of(1, 3), min: -127, max: 127 });
    expect(rows.total).toBe(0);
    expect(rows.sqnrDb).toBe(Number.POSITIVE_INFINITY);
    const halves = quantizationError(Float32Array.of(0.3, 2), {
      round: (x) => Math.round(2 * x) / 2,
      min: -1,
      max: 1,
    });
    expect(halves.rounding).toBeCloseTo(0.02, 6);
    expect(halves.clipping).toBe(0.5);
  });

  it('of no values is 0; infinities are clipped', () => {
    expect(quantizationError(new Float32Array(0), { scale: 1, min: 0, max: 1 }).total).toBe(0);
    const error = quantizationError(Float32Array.of(Number.POSITIVE_INFINITY), { scale: 1, min: 0, max: 1 });
    expect(error).toMatchObject({ clipping: Number.POSITIVE_INFINITY, saturated: 1 });
  });

  it('refuses what is no grid', () => {
    const grid = { scale: 1, min: 0, max: 1 };
    expectError(() => quantizationError([1] as never, grid), 'ERR_DTYPE');
    expectError(() => quantizationError(Float32Array.of(Number.NaN), grid), 'ERR_NAN_INPUT');
    expectError(() => quantizationError(Float32Array.of(1), { ...grid, scale: 0 }), 'ERR_ARGUMENT');
    expectError(() => quantizationError(Float32Array.of(1), { ...grid, min: 2 }), 'ERR_ARGUMENT');
    expectError(() => quantizationError(Float32Array.of(1), undefined as never), 'ERR_ARGUMENT');
    expectError(
      () => quantizationError(Float32Array.of(1), { ...grid, scale: new Float32Array(2).fill(1) }),
      'ERR_SHAPE',
    );
  });
});
