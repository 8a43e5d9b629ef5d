import { expect, it } from 'vitest';
import { checkFloatModel, floatWeight, linearNodes, rebuilt } from '../../lib/compression/rebuild';
import { calibrate, layerNorm, linear, MLP, quantize, relu } from '../../lib/index';
import { expectError } from '../support/errors';

const model = new MLP([
  linear({ inFeatures: 2, outFeatures: 3, name: 'a' }),
  { ...layerNorm({ features: 3 }), name: 'norm' },
  relu(),
  { ...linear({ inFeatures: 3, outFeatures: 1, name: 'b' }), quantization: { mode: 'dynamic' } },
]);

it('changes parameters and wishes by name, leaves the model alone and says so in the record', async () => {
  const before = model.toBytes();
  const weight = new Float32Array(6).fill(2);
  const changed = rebuilt(
    model,
    new Map<string, object>([
      ['a', { weight, quantization: { bits: 4 } }],
      ['norm', { gamma: Float32Array.of(1, 2, 3) }],
      ['b', { bias: Float32Array.of(5), quantization: null }],
    ]),
    { step: 'test', of: 1 },
  );
  expect(model.toBytes()).toEqual(before);
  const [a, norm, , b] = changed.layers;
  expect(a).toMatchObject({ weight, quantization: { bits: 4 } });
  expect(norm).toMatchObject({ weight: Float32Array.of(1, 2, 3) });
  expect(b).toMatchObject({ bias: Float32Array.of(5) });
  expect(b!.quantization).toBeUndefined();
  expect(floatWeight(linearNodes(changed.graph)[1]!)).toBe(floatWeight(linearNodes(model.graph)[1]!));

  // The record stays with the model: through its file, and into the one that is quantized.
  const again = await MLP.load(rebuilt(changed, new Map(), { step: 'more' }).toBytes());
  const ranges = await calibrate(again, Float32Array.of(1, 2));
  using int8 = quantize(again, ranges);
  expect(int8.graph.record.map(({ step }) => step)).toEqual(['test', 'more', 'calibrate', 'quantize']);
});

it('only float models', () => {
  expectError(() => checkFloatModel({}), 'ERR_MODEL_KIND');
});
