import { describe, expect, it } from 'vitest';
import { MLP } from '../../lib/index';
import { checkGraph } from '../../lib/models/check-graph';
import type { Graph, Node, Value } from '../../lib/models/graph';
import { expectError } from '../support/errors';
import { ACTIVATIONS, randomChain } from '../support/models';
import { Seeded } from '../support/random';

/** Wirings that no file of `takeApart` reaches as easily: graphs as data. Files are checked in decode.test.ts. */

const float = (features: number): Value => ({ features, dtype: 'float32' });
const codes = (features: number, dtype: 'int8' | 'uint8' = 'uint8', scales = 1): Value => ({
  features,
  dtype,
  scale: new Float32Array(scales).fill(1),
  zeroPoint: 0,
});

function graph(
  values: Record<string, Value>,
  nodes: object[],
  output: string,
  kind: 'float' | 'quantized' = 'quantized',
): Graph {
  return {
    kind,
    rounding: 'half-up',
    input: 'x',
    output,
    values: new Map(Object.entries(values)),
    nodes: nodes as Node[],
    record: [],
  };
}

const node = (op: string, inputs: string[], output: string, more = {}) => ({
  name: output,
  op,
  inputs,
  output,
  ...more,
});
const relu = (table?: Uint8Array | Int8Array) => ({ attributes: {}, ...(table && { table }) });

describe('checkGraph', () => {
  it('passes what flatten makes', () => {
    checkGraph(new MLP(randomChain(new Seeded(1), [2, 3, 4], ACTIVATIONS['silu'])).graph);
  });

  it.each([
    [
      'quantize and dequantize',
      graph(
        { x: float(2), q: codes(2), y: float(2) },
        [node('quantize', ['x'], 'q'), node('dequantize', ['q'], 'y')],
        'y',
      ),
    ],
    [
      'a table from uint8 to int8',
      graph({ x: codes(2), y: codes(2, 'int8') }, [node('relu', ['x'], 'y', relu(new Int8Array(256)))], 'y'),
    ],
    ['a softmax of codes', graph({ x: codes(2), y: codes(2) }, [node('softmax', ['x'], 'y')], 'y')],
    [
      'a layer norm of codes',
      graph({ x: codes(2), y: codes(2, 'int8') }, [node('layerNorm', ['x'], 'y', { epsilon: 0 })], 'y'),
    ],
    [
      'an add of codes and floats',
      graph(
        { x: codes(2), d: float(2), y: float(2) },
        [node('dequantize', ['x'], 'd'), node('add', ['x', 'd'], 'y')],
        'y',
      ),
    ],
    ['a concat of one', graph({ x: float(2), y: float(2) }, [node('concat', ['x'], 'y')], 'y')],
    ['no node at all', graph({ x: float(2) }, [], 'x')],
  ])('passes %s', (_, good) => {
    expect(() => checkGraph(good)).not.toThrow();
  });

  it.each([
    ['quantizing codes', graph({ x: codes(2), y: codes(2) }, [node('quantize', ['x'], 'y')], 'y')],
    ['quantizing to floats', graph({ x: float(2), y: float(2) }, [node('quantize', ['x'], 'y')], 'y')],
    ['dequantizing floats', graph({ x: float(2), y: float(2) }, [node('dequantize', ['x'], 'y')], 'y')],
    ['dequantizing to codes', graph({ x: codes(2), y: codes(2) }, [node('dequantize', ['x'], 'y')], 'y')],
    [
      'a table between floats',
      graph({ x: float(2), y: float(2) }, [node('relu', ['x'], 'y', relu(new Uint8Array(256)))], 'y'),
    ],
    [
      'a table of the wrong type',
      graph({ x: codes(2), y: codes(2, 'int8') }, [node('relu', ['x'], 'y', relu(new Uint8Array(256)))], 'y'),
    ],
    ['no table between codes', graph({ x: codes(2), y: codes(2) }, [node('relu', ['x'], 'y', relu())], 'y')],
    [
      'an add of two widths',
      graph(
        { x: float(2), c: float(4), y: float(2) },
        [node('concat', ['x', 'x'], 'c'), node('add', ['x', 'c'], 'y')],
        'y',
      ),
    ],
    [
      'a concat of another width',
      graph({ x: float(2), y: float(3) }, [node('concat', ['x', 'x'], 'y')], 'y'),
    ],
    ['a concat of nothing', graph({ x: float(2), y: float(2) }, [node('concat', [], 'y')], 'y')],
    [
      'a scale a feature into a softmax',
      graph({ x: codes(2, 'uint8', 2), y: float(2) }, [node('softmax', ['x'], 'y')], 'y'),
    ],
    [
      'a scale a feature into a layer norm',
      graph({ x: codes(2, 'uint8', 2), y: float(2) }, [node('layerNorm', ['x'], 'y', { epsilon: 0 })], 'y'),
    ],
    [
      'a layer norm to another width',
      graph({ x: float(2), y: float(3) }, [node('layerNorm', ['x'], 'y', { epsilon: 0 })], 'y'),
    ],
    [
      'a scale a feature into a dequantize node',
      graph({ x: codes(2, 'uint8', 2), y: float(2) }, [node('dequantize', ['x'], 'y')], 'y'),
    ],
    ['a scale a feature at the output', graph({ x: codes(2, 'uint8', 2) }, [], 'x')],
    [
      'codes in a float model',
      graph({ x: float(2), y: codes(2) }, [node('quantize', ['x'], 'y')], 'y', 'float'),
    ],
    ['an output that nothing writes', graph({ x: float(2) }, [], 'y')],
    ['an input that is no value', { ...graph({ y: float(2) }, [], 'y') }],
  ])('refuses %s', (_, bad) => {
    expectError(() => checkGraph(bad), 'ERR_FORMAT');
  });
});
