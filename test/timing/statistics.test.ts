import { describe, expect, it } from 'vitest';
import { median, quantile, ratioSpread, sorted, spread } from '../../lib/timing/statistics';

describe('quantile', () => {
  it('is linear between neighbours', () => {
    const values = sorted([40, 10, 30, 20]);
    expect([0, 0.25, 0.5, 1].map((share) => quantile(values, share))).toEqual([10, 17.5, 25, 40]);
  });

  it('sorts by value, not as text', () => {
    expect(median([9, 100, 10])).toBe(10);
  });

  it('of one value is that value, of none undefined', () => {
    expect(quantile(Float64Array.of(7), 0.99)).toBe(7);
    expect(median([])).toBeUndefined();
    expect(spread([])).toBeUndefined();
  });
});

describe('ratioSpread', () => {
  it('pairs the turns in which both took part', () => {
    const theirs = [10, undefined, 30, 50];
    const ours = [5, 1, 10, undefined];
    expect(ratioSpread(theirs, ours)).toEqual({ median: 2.5, q1: 2.25, q3: 2.75 });
  });

  it('is undefined where they never met', () => {
    expect(ratioSpread([undefined, 1], [1, undefined])).toBeUndefined();
  });
});
