import { describe, expect, it } from 'vitest';
import * as entry from '../lib/kernels';
import {
  dequantizeLinear,
  dynamicQuantizeLinear,
  multiplierFromScale,
  packWeights,
  qgemm,
  quantizeLinear,
  type Rounding,
  requantize,
} from '../lib/kernels';
import { kernels } from '../lib/runtime/operators';

it('exports what the entry point promises and nothing else', () => {
  expect(Object.keys(entry).sort()).toEqual([
    'PackedWeights',
    'dequantizeLinear',
    'dynamicQuantizeLinear',
    'kernels',
    'multiplierFromScale',
    'packWeights',
    'qgemm',
    'quantizeLinear',
    'requantize',
  ]);
});

it('names the active kernel among the available ones, scalar last', () => {
  const { available, active } = kernels();
  expect(available).toContain(active);
  expect(available.at(-1)).toBe('scalar');
});

describe('reference vectors of docs/numerics.md', () => {
  it('DynamicQuantizeLinear', () => {
    const { y, scale, zeroPoint } = dynamicQuantizeLinear(Float32Array.of(0, 2, -3, -2.5, 1.34, 0.5));
    expect({ y: [...y], scale, zeroPoint }).toEqual({
      y: [153, 255, 0, 26, 221, 179],
      scale: Math.fround(0.0196078438),
      zeroPoint: 153,
    });
  });

  it('QuantizeLinear with scale .6/255 and zero point 207 starts at −.48706', () => {
    expect(dequantizeLinear(Uint8Array.of(0), 0.6 / 255, 207)[0]).toBeCloseTo(-0.48706, 5);
    expect([...quantizeLinear(Float32Array.of(-0.48706, -0.6, 0), 0.6 / 255, 207, 'uint8')]).toEqual([
      0, 0, 207,
    ]);
  });

  // ONNX operator documentation, QLinearMatMul, 2-D example; our weights are [out, in].
  const a = [208, 236, 0, 238, 3, 214, 255, 29];
  const b = [
    [152, 51, 244],
    [60, 26, 255],
    [0, 127, 246],
    [127, 254, 247],
  ];
  const transposed = [0, 1, 2].flatMap((n) => b.map((row) => row[n]!));
  const [scaleA, scaleB, scaleY] = [0.0066, 0.00705, 0.0107].map(Math.fround) as [number, number, number];
  const { multiplier, shift } = multiplierFromScale(Math.fround(Math.fround(scaleA * scaleB) / scaleY));
  const roundings: readonly Rounding[] = ['half-up', 'half-even', 'gemmlowp', 'float32'];

  it.each(roundings)('QLinearMatMul in uint8, %s', (rounding) => {
    using w = packWeights(Uint8Array.from(transposed), [3, 4], { zeroPoint: 114 });
    const y = qgemm(Uint8Array.from(a), w, {
      xZeroPoint: 113,
      requantize: { multiplier, shift, zeroPoint: 118, rounding, dtype: 'uint8' },
    });
    expect([...y]).toEqual([168, 115, 255, 1, 66, 151]);
  });

  it.each(roundings)('QLinearMatMul in int8, %s', (rounding) => {
    using w = packWeights(
      Int8Array.from(transposed, (v) => v - 127),
      [3, 4],
      { zeroPoint: 114 - 127 },
    );
    const y = qgemm(
      Int8Array.from(a, (v) => v - 127),
      w,
      {
        xZeroPoint: 113 - 127,
        requantize: { multiplier, shift, zeroPoint: 118 - 127, rounding, dtype: 'int8' },
      },
    );
    expect([...y]).toEqual([41, -12, -9, 1, -75, -128]);
  });

  it.each([
    ['half-up', [0, 1, -1]],
    ['half-even', [0, 0, -2]],
    ['gemmlowp', [1, 1, -2]],
  ] as const)('ties at M = 2^−8: %s', (rounding, expected) => {
    const m = multiplierFromScale(2 ** -8);
    expect([...requantize(Int32Array.of(127, 128, -384), { ...m, rounding, dtype: 'int8' })]).toEqual(
      expected,
    );
  });

  it('float32 rounds the product too: 35637 · 0x1.8b61ep−9 → 108, exactly 107', () => {
    const m = multiplierFromScale(0x18b61e * 2 ** (-20 - 9));
    const acc = Int32Array.of(35637);
    expect(requantize(acc, { ...m, rounding: 'float32', dtype: 'uint8' })[0]).toBe(108);
    for (const rounding of ['half-up', 'half-even'] as const) {
      expect(requantize(acc, { ...m, rounding, dtype: 'uint8' })[0]).toBe(107);
    }
  });
});
