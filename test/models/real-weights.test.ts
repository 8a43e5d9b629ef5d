import { describe, expect, it } from 'vitest';
import { realWeights } from '../../lib/models/real-weights';
import { quantizeInt4 } from '../../lib/quantization/int4';
import { quantizeWeights, weightScales } from '../../lib/quantization/weights';
import { Seeded } from '../support/random';

const f = Math.fround;

describe('realWeights', () => {
  it('are scale · (code − zeroPoint)', () => {
    const data = Uint8Array.of(1, 2, 3, 4);
    const scale = Float32Array.of(0.5, 2);
    expect(realWeights({ format: 'float32', data: scale }, 1, 2)).toBe(scale);
    expect([...realWeights({ format: 'uint8', data, scale, zeroPoint: Int32Array.of(2, 3) }, 2, 2)]).toEqual([
      -0.5, 0, 0, 2,
    ]);
    expect([...realWeights({ format: 'uint8', data, scale: Float32Array.of(3) }, 2, 2)]).toEqual([
      3, 6, 9, 12,
    ]);
  });

  it('are within half a step of what was quantized', () => {
    const weight = new Seeded(1201).normals(5 * 71);
    for (const perTensor of [false, true]) {
      const scale = weightScales(weight, 5, perTensor, 4);
      const reals = realWeights({ format: 'int8', ...quantizeWeights(weight, 5, scale, 4) }, 5, 71);
      reals.forEach((x, i) => {
        const s = scale[perTensor ? 0 : Math.floor(i / 71)]!;
        expect(Math.abs(x - weight[i]!)).toBeLessThanOrEqual(s * 0.5001);
      });
    }
  });

  it('of int4 groups', () => {
    const weight = new Seeded(1202).normals(3 * 71);
    const int4 = quantizeInt4(weight, 3, 32);
    realWeights({ format: 'int4', ...int4 }, 3, 71).forEach((x, i) => {
      const [n, k] = [Math.floor(i / 71), i % 71];
      const s = int4.scale[n * 3 + Math.floor(k / 32)]!;
      expect(x).toBe(f(s * Math.round(x / s)));
      expect(Math.abs(x - weight[i]!)).toBeLessThanOrEqual(s * 0.5001);
    });
  });
});
