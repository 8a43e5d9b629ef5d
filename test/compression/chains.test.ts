import { describe, expect, it } from 'vitest';
import { isScalable, scalableInputs } from '../../lib/compression/chains';
import {
  clip,
  concat,
  type Layer,
  layerNorm,
  leakyRelu,
  MLP,
  relu,
  relu6,
  residual,
  sigmoid,
} from '../../lib/index';
import { randomLinear } from '../support/models';
import { Seeded } from '../support/random';

const random = new Seeded(2001);
const fc = (name: string, from = 4) => randomLinear(random, from, 4, name);
const norm = { ...layerNorm({ features: 4 }), name: 'norm' };

/** 'writer → readers' or the reason, by value. */
const found = (layers: readonly Layer[]) =>
  Object.fromEntries(
    [...scalableInputs(new MLP(layers).graph)].map(([value, one]) => [
      value,
      isScalable(one) ? `${one.writer.name} → ${one.readers.map(({ name }) => name)}` : one.reason,
    ]),
  );
const input = "it is the model's input";

describe('scalableInputs', () => {
  it.each<[string, readonly Layer[], Record<string, string>]>([
    ['nothing between', [fc('a'), fc('b')], { input, a: 'a → b' }],
    ['relu', [fc('a'), relu(), fc('b')], { input, 1: 'a → b' }],
    [
      'two that scale',
      [fc('a'), leakyRelu(0.2), clip(0, Number.POSITIVE_INFINITY), fc('b')],
      { input, 2: 'a → b' },
    ],
    ['a bound', [fc('a'), relu6(), fc('b')], { input, 1: "it comes from '1' (relu6)" }],
    ['a curve', [fc('a'), sigmoid(), fc('b')], { input, 1: "it comes from '1' (sigmoid)" }],
    ['a layer norm', [fc('a'), norm, relu(), fc('b')], { input, 2: 'norm → b' }],
    ['several readers', [fc('a'), concat([[fc('b')], [fc('c')]])], { input, a: 'a → b,c' }],
    [
      'a reader of another kind',
      [fc('a'), residual([fc('b')])],
      { input, a: 'other layers read the value too' },
    ],
    [
      'a reader before the activation',
      [fc('a'), residual([relu(), fc('b')])],
      { input, '1.0': 'other layers read what it comes from' },
    ],
    ['relu on the input', [relu(), fc('a')], { 0: input }],
  ])('%s', (_, layers, expected) => {
    expect(found(layers)).toEqual(expected);
  });
});
