import { describe, expect, it } from 'vitest';
import { exactAttributes, exactEpsilon, keptBits, keptWish } from '../../../lib/models/onnx/keyed';
import { expectError } from '../../support/errors';

describe('what a file says about its nodes', () => {
  const slope = { slope: Math.fround(0.1) };

  it('attributes that round to those of the graph are taken', () => {
    expect(exactAttributes('leakyRelu', slope, { attributes: { slope: 0.1 } })).toEqual({ slope: 0.1 });
    for (const key of [undefined, {}, { attributes: { slope: 0.2 } }, { attributes: { alpha: 0.1 } }])
      expect(exactAttributes('leakyRelu', slope, key)).toEqual(slope);
    expect(exactEpsilon(Math.fround(1e-5), { attributes: { epsilon: 1e-5 } })).toBe(1e-5);
    expect(exactEpsilon(Math.fround(1e-5), { attributes: { epsilon: 1e-6 } })).toBe(Math.fround(1e-5));
  });

  it('scales of linear nodes that fit are kept', () => {
    const scale = Float32Array.of(1, 2, 3);
    expect(keptWish('fc', 3, 5, { scale })).toEqual({ quantization: { scale } });
    expect(keptWish('fc', 3, 5, { scale, quantization: { bits: 4 } })).toEqual({
      quantization: { scale, bits: 4 },
    });
    expect(keptWish('fc', 3, 5, undefined)).toEqual({});
    expectError(() => keptWish('fc', 3, 5, { scale: Float32Array.of(1, 2) }), 'ERR_SHAPE');
    expectError(() => keptWish('fc', 3, 5, { scale: Float32Array.of(0) }), 'ERR_ARGUMENT');
  });

  it('bits of weights are kept where the codes agree', () => {
    expect(keptBits(Int8Array.of(-7, 7), { bits: 4 })).toEqual({ bits: 4 });
    expect(keptBits(Int8Array.of(-8, 7), { bits: 4 })).toEqual({});
    expect(keptBits(Int8Array.of(1), undefined)).toEqual({});
  });
});
