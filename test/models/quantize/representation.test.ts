import { describe, expect, it } from 'vitest';
import {
  concat,
  type Layer,
  layerNorm,
  linear,
  MLP,
  type QuantizeOptions,
  relu,
  residual,
  softmax,
  tanh,
} from '../../../lib/index';
import { quantizeSettings } from '../../../lib/models/quantize/options';
import { chooseRepresentation } from '../../../lib/models/quantize/representation';

const fc = (name: string, features = 2): Layer => linear({ name, inFeatures: features, outFeatures: 2 });

const norm = (): Layer => layerNorm({ features: 2 });

/** Values that become codes. */
function codes(layers: Layer[], options: QuantizeOptions = {}): string[] {
  const { graph } = new MLP(layers);
  return [...chooseRepresentation(graph, quantizeSettings(graph, options))].sort();
}

describe('chooseRepresentation', () => {
  it.each([
    ['all before the last Linear', [fc('a'), relu(), fc('b')], {}, ['1', 'a', 'input']],
    ['what follows it stays float32', [fc('a'), relu(), fc('b'), tanh(), softmax()], {}, ['1', 'a', 'input']],
    ['all of it where codes leave', [fc('a'), tanh()], { output: 'int8' }, ['1', 'a', 'input']],
    [
      'a softmax reads float32 and may write codes',
      [fc('a'), softmax()],
      { output: 'uint8' },
      ['1', 'input'],
    ],
    ['a softmax in the middle', [fc('a'), softmax(), fc('b')], {}, ['1', 'input']],
    ['a layer norm in the middle', [fc('a'), norm(), fc('b')], {}, ['1', 'input']],
    [
      'a layer norm and a residual that reads codes',
      [fc('a'), residual([norm(), fc('b')]), fc('c')],
      {},
      ['1', '1.0', 'a', 'b', 'input'],
    ],
    ['a last layer norm', [fc('a'), norm()], {}, ['input']],
    ['nothing in a dynamic model', [fc('a'), relu(), fc('b')], { mode: 'dynamic' }, []],
    ['nothing in a weight-only model', [fc('a'), relu(), fc('b')], { mode: 'weight-only' }, []],
    ['nothing in a float32 one', [fc('a'), relu(), fc('b')], { format: 'float32' }, []],
    [
      'what a static layer reads from a dynamic one is quantized behind it and its activations',
      [fc('a'), relu(), tanh(), fc('b')],
      { layers: { a: { mode: 'dynamic' } } },
      [],
    ],
    [
      'what a dynamic layer reads is float32',
      [fc('a'), relu(), fc('b')],
      { layers: { b: { mode: 'dynamic' } } },
      ['input'],
    ],
    [
      'a residual’s both sides',
      [fc('a'), residual([fc('b'), relu()]), fc('c')],
      {},
      ['1', '1.1', 'a', 'b', 'input'],
    ],
    [
      'a last residual: its own side is float32, its input both, so codes',
      [fc('a'), residual([fc('b')])],
      {},
      ['a', 'input'],
    ],
    ['the input in both forms stays float32', [residual([fc('a')])], {}, []],
    ['concat', [concat([[fc('a')], [tanh()]]), fc('b', 4)], {}, ['0', '0.1.0', 'a', 'input']],
  ] as [string, Layer[], QuantizeOptions, string[]][])('%s', (_, layers, options, expected) => {
    expect(codes(layers, options)).toEqual(expected);
  });
});
