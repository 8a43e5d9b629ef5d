import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { METHOD_NAMES, type Method } from '../../lib/calibration/methods';
import { createObserver } from '../../lib/calibration/observers';
import type { Range } from '../../lib/calibration/range';
import { normals } from './random';

const METHODS = METHOD_NAMES.filter((name): name is Method => name !== 'auto');

function rangeOf(method: Method, data: ArrayLike<number>): Range {
  const observer = createObserver(method, { percentile: 99.99, momentum: 0.9 });
  observer.observe(Float32Array.from(data));
  observer.endBatch?.();
  return observer.range();
}

/** What holds for every observer. */
describe.each(METHODS)('%s', (method) => {
  it.each([
    ['nothing', []],
    ['all zeros', [0, -0, 0]],
    ['only infinities', [Infinity, -Infinity]],
  ])('%s: [0, 0]', (_, data) => {
    expect(rangeOf(method, data)).toEqual({ min: 0, max: 0 });
  });

  it('a constant ends there', () => {
    for (const c of [3, 1e-30, 1e30, 2 ** -149, 3.4028234663852886e38].map(Math.fround)) {
      const { min, max } = rangeOf(method, new Float32Array(100).fill(c));
      expect(min).toBe(0);
      expect(Math.abs(max - c)).toBeLessThanOrEqual(c / 2000);
      const mirrored = rangeOf(method, new Float32Array(100).fill(-c));
      expect(mirrored.max).toBe(0);
      expect(Math.abs(mirrored.min + c)).toBeLessThanOrEqual(c / 2000);
    }
  });

  it('leaves out infinities', () => {
    expect(rangeOf(method, [Infinity, 1, -2, -Infinity])).toEqual(rangeOf(method, [1, -2]));
  });

  it('includes 0, stays within the data, and has float32 ends', () => {
    const float = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.array(float, { minLength: 1, maxLength: 50 }), (values) => {
        const { min, max } = rangeOf(method, values);
        expect(min).toBeGreaterThanOrEqual(Math.min(0, ...values));
        expect(max).toBeLessThanOrEqual(Math.max(0, ...values));
        expect(min).toBeLessThanOrEqual(0);
        expect(max).toBeGreaterThanOrEqual(0);
        expect([Math.fround(min), Math.fround(max)]).toEqual([min, max]);
        expect(Object.is(min, -0) || Object.is(max, -0)).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  it('scales with the data by powers of two', () => {
    const data = normals(5000, 11);
    const { min, max } = rangeOf(method, data);
    for (const factor of [2 ** -80, 2 ** 100]) {
      const scaled = rangeOf(
        method,
        data.map((x) => x * factor),
      );
      expect(scaled).toEqual({ min: min * factor, max: max * factor });
    }
  });
});

describe('minmax', () => {
  it('is the extremes', () => {
    expect(rangeOf('minmax', [1, -2, 5])).toEqual({ min: -2, max: 5 });
    expect(rangeOf('minmax', [4, 5])).toEqual({ min: 0, max: 5 });
  });
});

describe('movingAverage', () => {
  const observer = (momentum: number) => createObserver('movingAverage', { percentile: 99.99, momentum });

  it('r = m·r + (1 − m)·batch, from the first batch', () => {
    const o = observer(0.75);
    o.observe(Float32Array.of(-4, 8));
    o.endBatch?.();
    expect(o.range()).toEqual({ min: -4, max: 8 });
    o.observe(Float32Array.of(-8, 4));
    o.endBatch?.();
    expect(o.range()).toEqual({ min: -5, max: 7 });
  });

  it('a batch may come in parts, or hold nothing', () => {
    const o = observer(0.5);
    o.observe(Float32Array.of(-4));
    o.observe(Float32Array.of(8));
    o.endBatch?.();
    o.observe(new Float32Array(0));
    o.endBatch?.();
    o.observe(Float32Array.of(Infinity));
    o.endBatch?.();
    expect(o.range()).toEqual({ min: -4, max: 8 });
  });

  it('includes 0 at the end, not in each batch', () => {
    const o = observer(0.5);
    o.observe(Float32Array.of(2, 3));
    o.endBatch?.();
    o.observe(Float32Array.of(-1, 3));
    o.endBatch?.();
    expect(o.range()).toEqual({ min: 0, max: 3 }); // .5·2 + .5·−1 = .5
  });
});
