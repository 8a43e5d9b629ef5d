import { describe, expect, it } from 'vitest';
import { calibrationFromJSON, makeCalibration } from '../../lib/calibration/result';

const calibration = makeCalibration(
  'mse',
  300,
  [
    ['input', { min: -1.5, max: Math.fround(0.1) }],
    ['__proto__', { min: 0, max: 3 }],
  ],
  Float32Array.of(1, 2),
);

describe('calibrationFromJSON', () => {
  it('takes what toJSON gives', () => {
    const json = JSON.stringify(calibration);
    expect(json).toBe(
      '{"method":"mse","rows":300,"ranges":{"input":{"min":-1.5,"max":0.10000000149011612},"__proto__":{"min":0,"max":3}}}',
    );
    const back = calibrationFromJSON(JSON.parse(json));
    expect(JSON.stringify(back)).toBe(json);
    expect(back.kept).toEqual(new Float32Array(0));
    expect(Object.getPrototypeOf(back.ranges)).toBe(null);
    expect(Object.keys(back.ranges)).toEqual(['input', '__proto__']);
    expect(calibrationFromJSON(calibration.toJSON()).ranges).toEqual(calibration.ranges);
  });

  it('includes 0 and rounds to float32', () => {
    const ranges = { a: { min: 2, max: 3.3 }, b: { min: -2, max: -1 } };
    expect({ ...calibrationFromJSON({ method: 'minmax', rows: 1, ranges }).ranges }).toEqual({
      a: { min: 0, max: Math.fround(3.3) },
      b: { min: -2, max: 0 },
    });
  });

  const good = { method: 'mse', rows: 1, ranges: {} };
  it.each<[string, unknown, RegExp]>([
    ['null', null, /an object/],
    ['a string', '{}', /an object/],
    ['an array', [], /an object/],
    ['no method', { ...good, method: undefined }, /method out of auto, minmax/],
    ['an unknown method', { ...good, method: 'toString' }, /method out of .* but received 'toString'/],
    ['rows by string', { ...good, rows: '1' }, /rows/],
    ['negative rows', { ...good, rows: -1 }, /rows/],
    ['no ranges', { ...good, ranges: undefined }, /as ranges/],
    ['ranges in an array', { ...good, ranges: [] }, /as ranges/],
    ['a null range', { ...good, ranges: { x: null } }, /range {min, max} for 'x'/],
    ['no max', { ...good, ranges: { x: { min: 0 } } }, /max of 'x' but received undefined/],
    ['NaN', { ...good, ranges: { x: { min: NaN, max: 1 } } }, /min of 'x' but received NaN/],
    [
      'JSON null for Infinity',
      { ...good, ranges: { x: { min: 0, max: null } } },
      /max of 'x' but received null/,
    ],
    ['more than float32', { ...good, ranges: { x: { min: 0, max: 1e39 } } }, /max of 'x'/],
    ['min > max', { ...good, ranges: { x: { min: 2, max: 1 } } }, /min ≤ max for 'x'/],
  ])('refuses %s', (_, value, message) => {
    expect(() => calibrationFromJSON(value)).toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT', message: expect.stringMatching(message) }),
    );
  });
});
