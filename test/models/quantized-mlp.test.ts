import { describe, expect, it } from 'vitest';
import { linear, MLP, QuantizedMLP, quantize } from '../../lib/index';
import { randomChain } from '../support/models';
import { Seeded } from '../support/random';

describe('QuantizedMLP', () => {
  const float = new MLP(randomChain(new Seeded(201), [3, 4, 2]));

  it('is made by quantize and load alone', async () => {
    using made = quantize(float, null, { mode: 'dynamic', rounding: 'gemmlowp' });
    expect(made).toBeInstanceOf(QuantizedMLP);
    expect(made).toMatchObject({ kind: 'quantized', rounding: 'gemmlowp', inFeatures: 3, outFeatures: 2 });
    using loaded = await QuantizedMLP.load(made.toBytes());
    expect(loaded).toBeInstanceOf(QuantizedMLP);
    expect(loaded.rounding).toBe('gemmlowp');
  });

  it('outlives the float model it came from', () => {
    const mortal = new MLP([linear({ inFeatures: 2, outFeatures: 1 })], { seed: 3 });
    const x = Float32Array.of(1, 2);
    using made = quantize(mortal, null, { mode: 'weight-only' });
    const before = made.runSync(x);
    mortal.dispose();
    expect(made.runSync(x)).toEqual(before);
  });
});
