import { beforeAll, describe, expect, it } from 'vitest';
import { type Calibration, calibrate, MLP, type Mode, QuantizedMLP, quantize } from '../../../lib/index';
import type { LinearNode } from '../../../lib/models/graph';
import { expectSameBytes } from '../../support/bytes';
import { ACTIVATIONS, evaluateRows, randomChain, sqnr } from '../../support/models';
import { Seeded } from '../../support/random';

/** int8 weights of fewer bits: codes ±(2^(bits − 1) − 1), in a byte each. */

const float = new MLP(randomChain(new Seeded(901), [20, 30, 6], ACTIVATIONS['relu']!));
const rows = new Seeded(902).normals(20 * 100);
let calibration: Calibration;

beforeAll(async () => {
  calibration = await calibrate(float, rows, { method: 'minmax' });
});

const f = Math.fround;

const linears = (model: { graph: { nodes: readonly { op: string }[] } }) =>
  model.graph.nodes.filter((node): node is LinearNode => node.op === 'linear');

describe.each<Mode>(['static', 'dynamic', 'weight-only'])('%s', (mode) => {
  it.each([
    [2, 1],
    [3, 3],
    [4, 7],
  ] as const)('%d bits: scale = fl(max|w|/%d), codes within it', (bits, max) => {
    for (const weights of ['per-channel', 'per-tensor'] as const) {
      using model = quantize(float, calibration, { mode, bits, weights });
      for (const [i, { weight }] of linears(model).entries()) {
        if (weight.format !== 'int8') throw new Error(weight.format);
        expect(weight.bits).toBe(bits);
        const original = linears(float)[i]!.weight.data as Float32Array;
        const rowLength = original.length / (weight.scale.length === 1 ? 1 : weight.scale.length);
        weight.scale.forEach((scale, n) => {
          const own = original.subarray(n * rowLength, (n + 1) * rowLength);
          expect(scale).toBe(f(own.reduce((a, b) => Math.max(a, Math.abs(b)), 0) / max));
        });
        expect(Math.max(...[...weight.data].map(Math.abs))).toBe(max);
      }
    }
  });

  it('8 bits are the same as none', () => {
    expectSameBytes(
      quantize(float, calibration, { mode, layers: { fc1: { bits: 8 }, fc2: { bits: 8 } } }).toBytes(),
      quantize(float, calibration, { mode }).toBytes(),
    );
  });

  it('each bit more gives a better output, and a file gives the same one', async () => {
    const reference = evaluateRows(float, rows);
    let before = -10;
    for (const bits of [2, 3, 4, 8] as const) {
      using model = quantize(float, calibration, { mode, bits });
      using loaded = await QuantizedMLP.load(model.toBytes());
      const output = model.runSync(rows);
      expectSameBytes(loaded.runSync(rows), output);
      const now = sqnr(reference, output);
      expect(now).toBeGreaterThan(before + 3);
      before = now;
    }
  });
});

it('a layer’s own bits are stronger than those of the model', () => {
  using model = quantize(float, calibration, { bits: 2, layers: { fc1: { bits: 8 } } });
  expect(linears(model).map(({ weight }) => weight.format === 'int8' && weight.bits)).toEqual([undefined, 2]);
  expect(model.graph.record.at(-1)).toMatchObject({ step: 'quantize', bits: 2 });
});

it('a layer that stays float wishes for nothing any more', () => {
  const layers = float.layers.map((layer, i) =>
    i === 0 ? { ...layer, quantization: { format: 'float32' as const } } : layer,
  );
  using model = quantize(new MLP(layers), calibration);
  expect(linears(model)[0]!.quantization).toBeUndefined();
  expect(linears(model)[0]!.mode).toBe('float');
});
