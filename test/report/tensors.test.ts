import { describe, expect, it } from 'vitest';
import { Histogram } from '../../lib/calibration/histogram';
import { barsOf, decibelsOf, GridErrorSum, spreadToMedian, spreadToSmallest } from '../../lib/report/tensors';
import { Seeded } from '../support/random';

describe('barsOf', () => {
  it('counts every value once, zeros apart', () => {
    const values = new Seeded(3).normals(5000).map((x, i) => (i % 5 === 0 ? 0 : x));
    const histogram = new Histogram();
    histogram.observe(values);
    const { start, width, counts, zeros } = barsOf(histogram);
    expect(zeros).toBe(1000);
    expect(counts.length).toBeLessThanOrEqual(74);
    expect(counts.length).toBeGreaterThan(30);
    const expected = counts.map(
      (_, i) =>
        values.filter((x) => {
          // A bar of the negative side holds its lower end's neighbours: the histogram cuts by |x|.
          const at = (Math.abs(x) / width) | 0;
          const bar = x > 0 ? at - start / width : -start / width - 1 - at;
          return x !== 0 && Math.round(bar) === i;
        }).length,
    );
    expect(counts).toEqual(expected);
  });

  it('nothing but zeros, and a single value', () => {
    const empty = new Histogram();
    empty.observe(new Float32Array(4));
    expect(barsOf(empty)).toMatchObject({ zeros: 4, counts: [0] });
    const single = new Histogram();
    single.observe(Float32Array.of(-3));
    expect(barsOf(single).counts.reduce((a, b) => a + b)).toBe(1);
  });
});

describe('GridErrorSum', () => {
  const grid = { scale: 0.5, zeroPoint: 0, min: -4, max: 4 };

  it('tells rounding from clipping, in parts as in one', () => {
    const values = Float32Array.of(0.6, -1.2, 3, -2.5);
    const whole = new GridErrorSum().add(values, [grid]).result();
    expect(whole.rounding).toBeCloseTo((0.1 ** 2 + 0.2 ** 2) / 4, 7);
    expect(whole.clipping).toBeCloseTo((1 + 0.25) / 4, 7);
    expect(whole.saturated).toBe(50);
    const signal = values.reduce((sum, x) => sum + x * x, 0);
    expect(whole.sqnrDb).toBeCloseTo(10 * Math.log10(signal / (0.05 + 1.25)), 5);
    const parts = new GridErrorSum()
      .add(values.subarray(0, 1), [grid])
      .add(values.subarray(1), [grid])
      .result();
    expect(parts.rounding).toBeCloseTo(whole.rounding, 12);
    expect(parts.saturated).toBe(50);
    // A grid a row: the first two values on a coarser one.
    const coarse = { ...grid, scale: 1 };
    const rows = new GridErrorSum().add(values, [coarse, grid]).result();
    expect(rows.rounding).toBeCloseTo((0.4 ** 2 + 0.2 ** 2) / 4, 7);
    expect(rows.clipping).toBeCloseTo((1 + 0.25) / 4, 7);
  });

  it('on the grid: no error; a scale that was rounded clips nothing', () => {
    expect(new GridErrorSum().add(Float32Array.of(0.5, -2), [grid]).result()).toEqual({
      sqnrDb: null,
      rounding: 0,
      clipping: 0,
      saturated: 0,
    });
    const weights = new Seeded(1).normals(999);
    const max = weights.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    for (const step of [-1, 0, 1]) {
      const scale = Math.fround((max / 127) * (1 + step * 2 ** -24));
      expect(new GridErrorSum().add(weights, [{ scale, min: -127, max: 127 }]).result()).toMatchObject({
        clipping: 0,
        saturated: 0,
      });
    }
  });
});

it('decibels as JSON', () => {
  expect([Infinity, -Infinity, Number.NaN, 12].map(decibelsOf)).toEqual([null, 0, 0, 12]);
});

it('spreads leave out features that are all 0', () => {
  expect(spreadToMedian(Float64Array.of(0, 1, 2, 40, 0))).toBe(20);
  expect(spreadToSmallest(Float64Array.of(0, 1, 2, 40, 0))).toBe(40);
  expect([spreadToMedian(new Float64Array(2)), spreadToSmallest(new Float64Array(2))]).toEqual([1, 1]);
});
