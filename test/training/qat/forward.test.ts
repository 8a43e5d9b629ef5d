import { describe, expect, it } from 'vitest';
import { linear, MLP } from '../../../lib/index';
import { QuantizedNetwork } from '../../../lib/training/qat/network';
import { qatSettings } from '../../../lib/training/qat/options';
import { expectError } from '../../support/errors';

const identity = new MLP([
  linear({ name: 'fc', inFeatures: 1, outFeatures: 1, weight: Float32Array.of(1), bias: false }),
]);

function network(): QuantizedNetwork {
  const { gridOf } = qatSettings(identity.graph, { epochs: 1, method: 'ema' });
  const made = new QuantizedNetwork(identity.graph, 'ema', gridOf);
  made.start(Float32Array.of(-6, 6));
  return made;
}

describe('fake quantization', () => {
  // 6/fl(12/255) is below 127.5, so that docs/numerics.md has the zero point 127 where others print 128: no real moves.
  it('uint8 of ±6: 1 becomes .9882353, which is 21 steps of fl(12/255)', () => {
    const { held, program } = network().forward(Float32Array.of(1, -6, 6, 7), 'fc');
    expect(program.grids[0]).toMatchObject({ scale: Math.fround(12 / 255), zeroPoint: 127 });
    expect([...held[0]!.codes!]).toEqual([148, 0, 255, 255]);
    expect(held[0]!.real[0]).toBe(Math.fround(0.9882353));
    expect(held[0]!.real[0]).toBe(Math.fround(Math.fround(12 / 255) * 21));
  });

  it('NaN in the data is an error', () => {
    expectError(() => network().forward(Float32Array.of(NaN), 'fc'), 'ERR_NAN_INPUT');
  });
});
