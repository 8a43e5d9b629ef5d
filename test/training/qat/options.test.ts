import { describe, expect, it } from 'vitest';
import { MLP, relu } from '../../../lib/index';
import { type TrainQuantizedOptions, trainQuantized } from '../../../lib/training';
import { qatSettings } from '../../../lib/training/qat/options';
import { expectRejection } from '../../support/errors';
import { randomLinear } from '../../support/models';
import { Seeded } from '../../support/random';

const random = new Seeded(3);
const model = new MLP([
  randomLinear(random, 4, 6, 'a'),
  relu(),
  { ...randomLinear(random, 6, 2, 'b'), quantization: { format: 'float32' } },
]);
const [a, b] = model.graph.nodes.filter((node) => node.op === 'linear');

describe('grids of layers', () => {
  const wishes = (options: Partial<TrainQuantizedOptions>) => {
    const { gridOf } = qatSettings(model.graph, { epochs: 1, ...options });
    return [gridOf(a!).wish(), gridOf(b!).wish()];
  };

  it('int8 of 8 bits and a learned scale a feature; what wishes to stay float32 does', () => {
    const [first, last] = wishes({});
    expect(first).toMatchObject({ format: 'int8', mode: 'static', bits: 8, activationBits: 8 });
    expect(first!.scale).toHaveLength(6);
    expect(last).toEqual({ format: 'float32' });
  });

  it('a layer’s own options are stronger', () => {
    const layers = { a: { weightBits: 'ternary' }, b: { format: 'int8', activationBits: 4 } } as const;
    const [first, last] = wishes({ layers, weightBits: 3, weights: 'per-tensor' });
    expect(first).toMatchObject({ bits: 2, activationBits: 8 });
    expect(last).toMatchObject({ format: 'int8', bits: 3, activationBits: 4 });
    expect(first!.scale).toHaveLength(1);
  });

  it('moving averages leave the scales to quantize; float8 has largest numbers', () => {
    expect(wishes({ method: 'ema' })[0]!.scale).toBeUndefined();
    const format = { mantissa: 3, exponent: 4 };
    expect(wishes({ format })[0]).toMatchObject({ format, mode: 'static' });
  });
});

const data = { inputs: new Float32Array(8), targets: Uint8Array.of(0, 1) };

it.each([
  ['another method', { method: 'dorefa' }, 'ERR_ARGUMENT'],
  ['5 bits', { weightBits: 5 }, 'ERR_ARGUMENT'],
  ['2 bits of activations', { activationBits: 2 }, 'ERR_ARGUMENT'],
  ['an unknown option', { wieghtBits: 4 }, 'ERR_ARGUMENT'],
  ['another schedule', { schedule: 'exponential' }, 'ERR_ARGUMENT'],
  ['a delay below 0', { delay: -1 }, 'ERR_ARGUMENT'],
  ['a rate of 0', { stepRate: 0 }, 'ERR_ARGUMENT'],
  ['a format that is no format', { format: 'int7' }, 'ERR_ARGUMENT'],
  ['int4 groups', { format: 'int4' }, 'ERR_UNSUPPORTED'],
  ['a searched format', { format: 'fp8-search' }, 'ERR_UNSUPPORTED'],
  ['float8 with its max', { format: { mantissa: 3, exponent: 4, max: 2 } }, 'ERR_ARGUMENT'],
  ['bits of float8', { format: 'e4m3fn', weightBits: 4 }, 'ERR_UNSUPPORTED'],
  ['an unknown layer', { layers: { c: {} } }, 'ERR_ARGUMENT'],
  ['an unknown option of a layer', { layers: { a: { bits: 4 } } }, 'ERR_ARGUMENT'],
  ['null as a layer', { layers: { a: null } }, 'ERR_ARGUMENT'],
  ['another learnFormat', { learnFormat: 1 }, 'ERR_ARGUMENT'],
  ['other weights', { weights: 'per-row' }, 'ERR_ARGUMENT'],
  ['no epochs', { epochs: 0 }, 'ERR_ARGUMENT'],
] as const)('refuses %s', async (_, options, code) => {
  await expectRejection(
    trainQuantized(model, data, { epochs: 1, ...options } as unknown as TrainQuantizedOptions),
    code,
  );
});
