import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Point, paretoFront } from '../../lib/report/pareto';

describe('paretoFront', () => {
  it('holds what nothing beats, cheapest first', () => {
    const points = [
      { cost: 3, gain: 3 },
      { cost: 1, gain: 1 },
      { cost: 2, gain: 0 },
      { cost: 3, gain: 2 },
    ];
    expect(paretoFront(points)).toEqual([points[1], points[0]]);
    expect(paretoFront([])).toEqual([]);
  });

  it('is by definition', () => {
    const beats = (a: Point, b: Point): boolean =>
      a.cost <= b.cost && a.gain >= b.gain && (a.cost < b.cost || a.gain > b.gain);
    const point = fc.record({ cost: fc.integer({ min: 0, max: 5 }), gain: fc.integer({ min: 0, max: 5 }) });
    fc.assert(
      fc.property(fc.array(point), (points) => {
        const front = new Set(paretoFront(points));
        expect(points.filter((p) => front.has(p))).toEqual(
          points.filter((p) => !points.some((other) => beats(other, p))),
        );
      }),
    );
  });
});
