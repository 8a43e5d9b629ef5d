import { describe, expect, it } from 'vitest';
import { MovingRanges } from '../../../lib/training/qat/observers';

const f = Math.fround;
const ALL = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;

describe('MovingRanges', () => {
  it('.999 of what was before and .001 of a batch, rounded to float32', () => {
    const ranges = new MovingRanges(2);
    ranges.start(1, { min: -1, max: 2 });
    ranges.observe(1, Float32Array.of(3, -8, 0), 0.5, ALL);
    expect(ranges.range(1)).toEqual({ min: f(0.999 * -1 + 0.001 * -4), max: f(0.999 * 2 + 0.001 * 1.5) });
    expect(ranges.range(0)).toEqual({ min: 0, max: 0 });
  });

  it('what a ReLU cuts off does not count, and 0 is always inside', () => {
    const ranges = new MovingRanges(1);
    ranges.start(0, { min: 0, max: 1 });
    ranges.observe(0, Float32Array.of(-5, 2), 1, [0, 6]);
    expect(ranges.range(0)).toEqual({ min: 0, max: f(0.999 + 0.002) });
    ranges.start(0, { min: 1, max: 2 });
    expect(ranges.range(0)).toEqual({ min: 0, max: 2 });
  });

  it('a batch without rows changes nothing', () => {
    const ranges = new MovingRanges(1);
    ranges.start(0, { min: -1, max: 1 });
    ranges.observe(0, new Float32Array(0), 1, ALL);
    expect(ranges.range(0)).toEqual({ min: -1, max: 1 });
  });
});
