import { describe, expect, it } from 'vitest';
import { formatInfo } from '../../lib/fp8/format';
import { gridErrors, roundToGrid } from '../../lib/runtime/float-grid';
import { expectError } from '../support/errors';
import { Seeded } from '../support/random';

const E4M3FN = formatInfo('e4m3fn');
const ONE = Float32Array.of(1);

describe('roundToGrid', () => {
  it('numbers of the grid, or those before the scale', () => {
    const x = Float32Array.of(0.3, -1000, 5);
    expect([...roundToGrid(x, E4M3FN, Float32Array.of(2))]).toEqual([0.3125, -896, 5]);
    expect([...roundToGrid(x, E4M3FN, Float32Array.of(2), { scaled: false })]).toEqual([0.15625, -448, 2.5]);
  });

  it('NaN is the quiet one', () => {
    const x = new Float32Array(3);
    new Uint32Array(x.buffer).set([0x7f800001, 0xffffffff, 0x7fc00000]);
    expect([...new Uint32Array(roundToGrid(x, E4M3FN, ONE).buffer)]).toEqual([
      0x7fc00000, 0x7fc00000, 0x7fc00000,
    ]);
  });

  it('what it refuses', () => {
    const x = new Float32Array(4);
    expectError(() => roundToGrid(new Float64Array(1) as never, E4M3FN, ONE), 'ERR_DTYPE');
    expectError(() => roundToGrid(x, E4M3FN, [1] as never), 'ERR_DTYPE');
    expectError(() => roundToGrid(x, E4M3FN, Float32Array.of(1, 1, 1)), 'ERR_SHAPE');
    expectError(() => roundToGrid(x, E4M3FN, ONE, { out: new Float32Array(5) }), 'ERR_SHAPE');
    expectError(() => roundToGrid(x, { ...E4M3FN, mantissa: 9 }, ONE), 'ERR_ARGUMENT');
    expectError(() => roundToGrid(x, { ...E4M3FN, mantissa: 1.5 }, ONE), 'ERR_ARGUMENT');
    expectError(() => roundToGrid(x, E4M3FN, Float32Array.of(-1)), 'ERR_ARGUMENT');
  });
});

describe('gridErrors', () => {
  it('adds squares in the order that it states', () => {
    const x = new Seeded(9).normals(2 * 5003);
    const scale = Float32Array.of(0.01, 0.02);
    const y = roundToGrid(x, E4M3FN, scale);
    const sums = [0, 1].map((row) => {
      const partial = new Float64Array(8);
      for (let k = 0; k < 5003; k++) partial[k % 8]! += (y[row * 5003 + k]! - x[row * 5003 + k]!) ** 2;
      for (const half of [4, 2, 1]) for (let s = 0; s < half; s++) partial[s]! += partial[s + half]!;
      return partial[0];
    });
    expect([...gridErrors(x, E4M3FN, scale)]).toEqual(sums);
  });

  it('what it refuses', () => {
    const x = new Float32Array(4);
    expectError(() => gridErrors(x, E4M3FN, Float32Array.of(1, 1, 1)), 'ERR_SHAPE');
    expectError(() => gridErrors(x, E4M3FN, ONE, new Float64Array(2)), 'ERR_SHAPE');
    expectError(() => gridErrors(x, E4M3FN, ONE, new Float32Array(1) as never), 'ERR_DTYPE');
  });
});
