import { describe, expect, it } from 'vitest';
import type { Calibration } from '../../../lib/index';
import type { CodesValue } from '../../../lib/models/graph';
import { calibratedRange, clampGrid, gridOf, raiseScale } from '../../../lib/models/quantize/grids';
import { expectError } from '../../support/errors';

const grid = (scale: number, zeroPoint: number, dtype: 'int8' | 'uint8' = 'uint8'): CodesValue => ({
  features: 3,
  dtype,
  scale: Float32Array.of(scale),
  zeroPoint,
});

describe('calibratedRange', () => {
  const calibration = {
    method: 'minmax',
    rows: 1,
    ranges: { a: { min: -1, max: 2 } },
  } as unknown as Calibration;

  it('finds a value’s range', () => {
    expect(calibratedRange(calibration, 'a')).toEqual({ min: -1, max: 2 });
  });

  it.each([
    ['without the value', calibration, 'b'],
    ['without the value, of a prototype’s name', calibration, 'toString'],
    ['that is null', null, 'a'],
  ])('a calibration %s is ERR_ARGUMENT', (_, given, name) => {
    expectError(() => calibratedRange(given, name), 'ERR_ARGUMENT', new RegExp(`range for value '${name}'`));
  });
});

describe('gridOf', () => {
  it.each([
    ['uint8', false, { min: -1, max: 4 }, grid(5 / 255, 51)],
    ['int8', false, { min: -1, max: 4 }, grid(5 / 255, 51 - 128, 'int8')],
    ['int8', true, { min: -1, max: 4 }, grid(4 / 127, 0, 'int8')],
    ['uint8', true, { min: -1, max: 4 }, grid(5 / 255, 51)],
    ['uint8', false, { min: 2, max: 4 }, grid(4 / 255, 0)],
    ['int8', false, { min: 0, max: 0 }, grid(1, -128, 'int8')],
  ] as const)('%s, symmetric %o, %o', (dtype, symmetric, range, expected) => {
    expect(gridOf(range, 3, dtype, symmetric)).toEqual(expected);
  });
});

describe('raiseScale', () => {
  const range = { min: -1, max: 4 };

  it('keeps a scale whose multipliers are below 64', () => {
    const given = grid(1, 51);
    expect(raiseScale(given, Float32Array.of(0.5, 63.9), range, false)).toBe(given);
  });

  it('doubles it until they are; the zero point follows', () => {
    const raised = raiseScale(grid(2 ** -10, 255), Float32Array.of(0.5, 64), { min: -3 }, false);
    expect(raised.scale[0]).toBe(2);
    expect(raised.zeroPoint).toBe(2); // rne(1.5)
    expect(raiseScale(grid(1, 0, 'int8'), Float32Array.of(64), range, true)).toEqual(grid(2, 0, 'int8'));
    expect(raiseScale(grid(1, 0, 'int8'), Float32Array.of(64), { min: -8 }, false).zeroPoint).toBe(-124);
    expect(Object.is(raiseScale(grid(1, 0), Float32Array.of(64), { min: 0 }, false).zeroPoint, 0)).toBe(true);
  });
});

describe('clampGrid', () => {
  const { POSITIVE_INFINITY: inf } = Number;
  const bounds = (...clamps: [number, number][]) => {
    const { min, max } = clampGrid(grid(0.5, 100), clamps);
    return [min, max];
  };

  it.each([
    ['nothing', [], [undefined, undefined]],
    ['a ReLU', [[0, inf]], [100, undefined]],
    ['a ReLU6', [[0, 6]], [100, 112]],
    ['bounds off the grid: half to even', [[-0.25, 0.75]], [100, 102]],
    ['bounds beyond the grid', [[-1e30, 1e30]], [undefined, undefined]],
    [
      'a narrower clamp behind a wider one',
      [
        [0, 6],
        [1, 2],
      ],
      [102, 104],
    ],
    [
      'a wider clamp behind a narrower one',
      [
        [1, 2],
        [0, 6],
      ],
      [102, 104],
    ],
    [
      'overlapping clamps',
      [
        [0, 6],
        [4, 9],
      ],
      [108, 112],
    ],
    [
      'a clamp above another: always its lower bound',
      [
        [0, 1],
        [3, 5],
      ],
      [106, 106],
    ],
    [
      'a clamp below another: always its upper bound',
      [
        [3, 5],
        [-1, 1],
      ],
      [102, 102],
    ],
    [
      'a ReLU behind negative values: always 0',
      [
        [-5, -1],
        [0, inf],
      ],
      [100, 100],
    ],
  ] as [string, [number, number][], (number | undefined)[]][])('%s', (_, clamps, codes) => {
    expect(bounds(...clamps)).toEqual(codes);
  });
});
