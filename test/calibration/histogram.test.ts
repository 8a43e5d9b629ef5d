import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram, SIDE } from '../../lib/calibration/histogram';

function histogramOf(...batches: (Float32Array | number[])[]): Histogram {
  const h = new Histogram();
  for (const batch of batches) h.observe(Float32Array.from(batch));
  return h;
}

/** As `toEqual`, which takes milliseconds on so many bins. */
function sameCounts(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((count, i) => count === b[i]);
}

const finite = fc.float({ noNaN: true, noDefaultInfinity: true });

describe('Histogram', () => {
  it('puts every value into its bin', () => {
    const h = histogramOf([SIDE - 0.5, 1, 1.5, -1, -0.5, 0, -0]);
    expect(h.width).toBe(1);
    expect(h.counts[SIDE + SIDE - 1]).toBe(1);
    expect(h.counts[SIDE + 1]).toBe(2);
    expect(h.counts[SIDE - 2]).toBe(1);
    expect(h.counts[SIDE - 1]).toBe(1);
    expect({ zeros: h.zeros, nonzeros: h.nonzeros, min: h.min, max: h.max }).toEqual({
      zeros: 2,
      nonzeros: 5,
      min: -1,
      max: SIDE - 0.5,
    });
  });

  it('widens by merging pairs, exactly', () => {
    const h = histogramOf([1, 2, 3, -1, -2, -3, SIDE - 1]);
    expect(h.width).toBe(1);
    h.observe(Float32Array.of(SIDE)); // the first value that does not fit
    expect(h.width).toBe(2);
    expect([...h.counts.subarray(SIDE - 3, SIDE + 3)]).toEqual([0, 2, 1, 1, 2, 0]);
    h.observe(Float32Array.of(-4 * SIDE));
    expect(h.width).toBe(8);
    expect([...h.counts.subarray(SIDE - 2, SIDE + 2)]).toEqual([0, 3, 3, 0]);
    expect(h.counts.reduce((sum, count) => sum + count)).toBe(9);
  });

  it('does not depend on the order of values or batches', () => {
    fc.assert(
      fc.property(fc.array(finite, { maxLength: 40 }), fc.infiniteStream(fc.nat()), (values, order) => {
        const keyed = values.map((value) => ({ value, key: order.next().value ?? 0 }));
        const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
        const together = histogramOf(values);
        const apart = histogramOf(...shuffled.map((value) => [value]));
        expect(sameCounts(apart.counts, together.counts)).toBe(true);
        expect({ ...apart, counts: 0 }).toEqual({ ...together, counts: 0 });
      }),
    );
  });

  it('mirrors with its data', () => {
    fc.assert(
      fc.property(fc.array(finite, { maxLength: 20 }), (values) => {
        const mirrored = histogramOf(values.map((x) => -x));
        expect(sameCounts(mirrored.counts.toReversed(), histogramOf(values).counts)).toBe(true);
      }),
    );
  });

  it.each([1e-45, 1e-30, 1, 1e30, 3.4028234663852886e38])('holds data of magnitude %d', (scale) => {
    const h = histogramOf([scale, scale / 2, -scale]);
    const largest = Math.fround(scale);
    expect(h.nonzeros + h.zeros).toBe(3);
    expect(h.counts.reduce((sum, count) => sum + count)).toBe(h.nonzeros);
    expect(h.counts[SIDE + Math.floor(largest / h.width)]).toBeGreaterThan(0);
    expect(largest / h.width).toBeGreaterThanOrEqual(SIDE / 2);
    expect(largest / h.width).toBeLessThan(SIDE);
  });

  it('keeps counting from the smallest to the largest float32', () => {
    const h = histogramOf([2 ** -149], [1e-30], [-1], [3.4e38]);
    expect([h.counts[SIDE], h.counts[SIDE - 1]]).toEqual([2, 1]);
    expect(h.nonzeros).toBe(4);
  });

  it('leaves out ±Infinity and NaN', () => {
    const h = histogramOf([Infinity, -Infinity, NaN, 1]);
    expect({ nonzeros: h.nonzeros, zeros: h.zeros, min: h.min, max: h.max }).toEqual({
      nonzeros: 1,
      zeros: 0,
      min: 0,
      max: 1,
    });
  });
});
