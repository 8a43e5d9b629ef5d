import { describe, expect, it } from 'vitest';
import { checkDataset } from '../../../lib/training/dataset';
import { inputGrid, networkData } from '../../../lib/training/integer/inputs';
import { expectError } from '../../support/errors';

const every = Uint8Array.from({ length: 256 }, (_, i) => i);
const bytes = checkDataset('data', { inputs: every, targets: new Uint8Array(256) }, 1, 2);
const floats = (values: number[]) =>
  checkDataset('data', { inputs: Float32Array.from(values), targets: new Uint8Array(values.length) }, 1, 2);

describe('inputs of integer training', () => {
  it('leaves bytes as they are', () => {
    const grid = inputGrid(bytes, '8-8-8-8');
    expect(networkData(bytes, grid).inputs).toBe(every);
    expect(grid.raised).toBe(false);
  });

  it('maps bytes as WAGE does: clip(rne(128·(x / 127.5 − 1)), ±127)', () => {
    const grid = inputGrid(bytes, '2-8-8-8');
    const { inputs } = networkData(bytes, grid);
    const wished = Array.from(every, (x) => Math.max(-127, Math.min(127, Math.round(128 * (x / 127.5 - 1)))));
    expect(Array.from(inputs, (x) => x - 128)).toEqual(wished.map((x) => x + 0));
  });

  it('gives floats the smallest power-of-two scale that covers them', () => {
    const scaleOf = (values: number[]) => inputGrid(floats(values), '8-8-8-8').value.scale[0];
    expect(scaleOf([0, 1])).toBe(2 ** -7);
    expect(scaleOf([-1.01, 0])).toBe(2 ** -6);
    expect(scaleOf([300])).toBe(4);
    const data = floats([0, 1, -1, 0.5, 2 ** -8, 3 * 2 ** -8]);
    const { inputs } = networkData(data, inputGrid(data, '8-8-8-8'));
    expect(Array.from(inputs, (x) => x - 128)).toEqual([0, 127, -127, 64, 0, 2]);
  });

  it('refuses what is no number', () => {
    expectError(() => inputGrid(floats([1, Number.NaN]), '8-8-8-8'), 'ERR_NAN_INPUT');
    expectError(() => inputGrid(floats([1, -Infinity]), '8-8-8-8'), 'ERR_ARGUMENT');
  });
});
