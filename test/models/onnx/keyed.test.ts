import { describe, expect, it } from 'vitest';
import { exactAttributes, exactEpsilon, keptScale } from '../../../lib/models/onnx/keyed';
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
    expect(keptScale('fc', 3, { scale })).toEqual({ quantization: { scale } });
    expect(keptScale('fc', 3, undefined)).toEqual({});
    expectError(() => keptScale('fc', 3, { scale: Float32Array.of(1, 2) }), 'ERR_SHAPE');
    expectError(() => keptScale('fc', 3, { scale: Float32Array.of(0) }), 'ERR_ARGUMENT');
  });
});
