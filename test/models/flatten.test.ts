import { describe, expect, it } from 'vitest';
import { concat, type Layer, layerNorm, linear, MLP, relu, residual } from '../../lib/index';
import type { LinearLayer } from '../../lib/layers/linear';
import { flatten, INPUT_NAME } from '../../lib/models/flatten';
import { expectError } from '../support/errors';

const fc = (inFeatures: number, outFeatures: number, name?: string) =>
  linear({ inFeatures, outFeatures, ...(name !== undefined && { name }) });
const untyped = <T>(value: unknown) => value as T;

describe('layer norm', () => {
  it('knows its features, so that it may stand first, or alone', () => {
    const norm = layerNorm({ features: 3 });
    for (const layers of [[norm], [relu(), norm], [residual([norm])], [concat([[relu(), norm], []])]])
      expect(flatten(layers).values.get(INPUT_NAME)!.features).toBe(3);
    expectError(() => flatten([relu()]), 'ERR_ARGUMENT', /layer norm/);
  });

  it('copies its parameters', () => {
    const weight = Float32Array.of(1, 2);
    const { nodes } = flatten([layerNorm({ features: 2, weight })]);
    weight.fill(0);
    expect(nodes).toEqual([
      {
        name: '0',
        op: 'layerNorm',
        inputs: ['input'],
        output: '0',
        epsilon: 1e-5,
        gamma: Float32Array.of(1, 2),
      },
    ]);
  });
});

describe('names', () => {
  it('are the index in the list, after the parent’s; those given stay', () => {
    const graph = flatten([
      fc(2, 3),
      residual([fc(3, 3), relu()]),
      concat([[fc(3, 1)], [relu(), { ...fc(3, 2), name: 'mine' }], []]),
      { ...relu(), name: 'last' },
    ]);
    expect(graph.nodes.map(({ name, op, inputs, output }) => [name, op, inputs.join(), output])).toEqual([
      ['0', 'linear', 'input', '0'],
      ['1.0', 'linear', '0', '1.0'],
      ['1.1', 'relu', '1.0', '1.1'],
      ['1', 'add', '0,1.1', '1'],
      ['2.0.0', 'linear', '1', '2.0.0'],
      ['2.1.0', 'relu', '1', '2.1.0'],
      ['mine', 'linear', '2.1.0', 'mine'],
      ['2', 'concat', '2.0.0,mine,1', '2'],
      ['last', 'relu', '2', 'last'],
    ]);
    expect(graph.output).toBe('last');
    expect([...graph.values].map(([name, value]) => [name, value.features])).toEqual([
      ['input', 2],
      ['0', 3],
      ['1.0', 3],
      ['1.1', 3],
      ['1', 3],
      ['2.0.0', 1],
      ['2.1.0', 3],
      ['mine', 2],
      ['2', 6],
      ['last', 6],
    ]);
  });

  it.each(['__proto__', 'constructor', 'toString', 'a b', 'é😀', 'x'.repeat(256)])(
    '%s is a name like another',
    (name) => {
      const model = new MLP([fc(2, 2, name), relu()]);
      expect(model.valueNames).toEqual(['input', name, '1']);
    },
  );

  it.each([
    ['empty', ''],
    ['too long', 'x'.repeat(257)],
    ['the input’s', INPUT_NAME],
    ['no text', 5],
    ['null', { toString: () => 'x' }],
  ])('that are %s are refused', (_, name) => {
    expectError(() => flatten([{ ...fc(2, 2), name: untyped<string>(name) }]), 'ERR_ARGUMENT', /layer name/);
  });

  it('must be unique, also against an index', () => {
    expectError(() => flatten([fc(2, 2, 'a'), fc(2, 2, 'a')]), 'ERR_ARGUMENT', /unique/);
    expectError(() => flatten([fc(2, 2, '1'), relu()]), 'ERR_ARGUMENT', /unique/);
  });
});

describe('weights', () => {
  const weightsOf = (seed: number | undefined, layers: readonly Layer[]) =>
    flatten(layers, seed).nodes.flatMap((node) =>
      node.op === 'linear' ? [[...node.weight.data], [...(node.bias ?? [])]] : [],
    );

  it('are the same for the same seed, others for another', () => {
    const layers = [fc(4, 5), residual([fc(5, 5)]), relu()];
    expect(weightsOf(7, layers)).toEqual(weightsOf(7, layers));
    expect(weightsOf(undefined, layers)).toEqual(weightsOf(0, layers));
    const seeds = [0, 1, 7, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER];
    expect(new Set(seeds.map((seed) => String(weightsOf(seed, layers)))).size).toBe(seeds.length);
    expect(String(weightsOf(3, [fc(5, 5), fc(5, 5)])[0])).not.toBe(
      String(weightsOf(3, [fc(5, 5), fc(5, 5)])[2]),
    );
  });

  it('follow PyTorch’s rule: uniform in ±1/√in, bias too', () => {
    for (const inFeatures of [1, 9, 100]) {
      const [weight, bias] = weightsOf(5, [fc(inFeatures, 3000)]);
      const bound = Math.fround(1 / Math.sqrt(inFeatures));
      for (const values of [weight!, bias!]) {
        const [min, max] = [Math.min(...values.slice(0, 3000)), Math.max(...values.slice(0, 3000))];
        expect(min >= -bound && max <= bound).toBe(true);
        expect(min < -0.98 * bound && max > 0.98 * bound).toBe(true);
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        const variance = values.reduce((a, b) => a + b * b, 0) / values.length;
        expect(Math.abs(mean)).toBeLessThan(0.06 * bound);
        expect(variance / bound ** 2).toBeCloseTo(1 / 3, 1);
      }
    }
  });

  it('are copied: later changes to the arrays do not reach the model', () => {
    const weight = Float32Array.of(1, 2);
    const bias = Float32Array.of(3);
    const scale = Float32Array.of(0.5);
    const layer = { ...linear({ inFeatures: 2, outFeatures: 1, weight, bias }), quantization: { scale } };
    const model = new MLP([layer]);
    const bytes = model.toBytes();
    for (const array of [weight, bias, scale]) array.fill(9);
    expect(model.toBytes()).toEqual(bytes);
    expect([...model.runSync(Float32Array.of(1, 1))]).toEqual([6]);
  });
});

describe('shapes that do not fit', () => {
  it.each([
    ['two linear layers', [fc(2, 3), fc(2, 3)]],
    ['a residual that changes the features', [fc(2, 3), residual([fc(3, 2)])]],
    ['what follows a concat', [fc(2, 3), concat([[], []]), fc(3, 1)]],
    ['branches with other inputs', [concat([[fc(2, 3)], [fc(4, 3)]])]],
  ])('%s', (_, layers) => {
    expectError(() => flatten(layers), 'ERR_SHAPE', /features/);
  });

  it('too many features side by side', () => {
    const wide = linear({ inFeatures: 1, outFeatures: 2 ** 23, weight: new Float32Array(2 ** 23) });
    expectError(() => flatten([wide, concat([[], [], []])]), 'ERR_LIMIT', /16777216 features/);
  });

  it.each([
    ['nothing', []],
    ['no linear layer', [relu(), residual([relu()])]],
    ['none whose features say the input’s', [concat([[relu()], [relu()]]), fc(4, 2)]],
  ])('%s: the input has no size', (_, layers) => {
    expectError(() => flatten(layers), 'ERR_ARGUMENT', /at least one linear layer/);
  });
});

it('layers may stand 256 deep in each other', () => {
  const deep = (levels: number): Layer => {
    let layer = fc(1, 1, 'inner');
    for (let i = 0; i < levels; i++) layer = { ...residual([layer]), name: `level ${i}` };
    return layer;
  };
  const model = new MLP([deep(256)]);
  expect(new MLP(model.layers).toBytes()).toEqual(model.toBytes());
  for (const levels of [257, 20_000]) expectError(() => new MLP([deep(levels)]), 'ERR_LIMIT', /256/);
});

describe('layers are plain data: written by hand they are checked and completed too', () => {
  it('defaults', () => {
    const layers = untyped<Layer[]>([
      { type: 'linear', inFeatures: 2, outFeatures: 2 },
      { type: 'leakyRelu' },
      { type: 'elu', attributes: { alpha: 2 } },
      { type: 'residual', layers: [{ type: 'relu' }] },
      { type: 'softmax' },
      { type: 'layerNorm', features: 2 },
    ]);
    const model = new MLP(layers);
    expect(model.layers.at(-1)).toEqual({ type: 'layerNorm', name: '5', features: 2, epsilon: 1e-5 });
    expect((model.layers[0] as LinearLayer).bias).toHaveLength(2);
    expect(model.layers[1]).toEqual({ type: 'leakyRelu', name: '1', attributes: { slope: 0.01 } });
    expect(model.runSync(Float32Array.of(1, 2))).toHaveLength(2);
    expect(model.toBytes().length).toBeGreaterThan(0);
  });

  it.each([
    ['no list', undefined, 'ERR_ARGUMENT'],
    ['null as a layer', [null], 'ERR_ARGUMENT'],
    ['text as a layer', [fc(2, 2), 'relu'], 'ERR_ARGUMENT'],
    ['a hole', [fc(2, 2), undefined], 'ERR_ARGUMENT'],
    ['an unknown type', [fc(2, 2), { type: 'conv' }], 'ERR_UNSUPPORTED'],
    ['a layer norm of another width', [fc(2, 2), { type: 'layerNorm', features: 3 }], 'ERR_SHAPE'],
    ['a layer norm without features', [fc(2, 2), { type: 'layerNorm' }], 'ERR_ARGUMENT'],
    ['an epsilon below 0', [fc(2, 2), { type: 'layerNorm', features: 2, epsilon: -1 }], 'ERR_ARGUMENT'],
    [
      'a short weight of a layer norm',
      [{ type: 'layerNorm', features: 2, weight: new Float32Array(1) }],
      'ERR_SHAPE',
    ],
    [
      'a short weight',
      [{ type: 'linear', inFeatures: 2, outFeatures: 2, weight: new Float32Array(3) }],
      'ERR_SHAPE',
    ],
    ['a weight of text', [{ type: 'linear', inFeatures: 2, outFeatures: 2, weight: 'x' }], 'ERR_DTYPE'],
    [
      'a short bias',
      [{ type: 'linear', inFeatures: 2, outFeatures: 2, bias: new Float32Array(3) }],
      'ERR_SHAPE',
    ],
    ['a linear layer without sizes', [{ type: 'linear' }], 'ERR_ARGUMENT'],
    ['an unknown attribute', [fc(2, 2), { type: 'relu', attributes: { x: 1 } }], 'ERR_ARGUMENT'],
    ['a residual without layers', [fc(2, 2), { type: 'residual' }], 'ERR_ARGUMENT'],
    ['null in a residual', [fc(2, 2), residual(untyped([null]))], 'ERR_ARGUMENT'],
    ['a concat without branches', [fc(2, 2), { type: 'concat' }], 'ERR_ARGUMENT'],
    ['a concat of no branch', [fc(2, 2), { type: 'concat', branches: [] }], 'ERR_ARGUMENT'],
    ['e4m3', [{ ...fc(2, 2), quantization: { format: 'e4m3' } }], 'ERR_UNSUPPORTED'],
    ['9 bits', [{ ...fc(2, 2), quantization: { format: { mantissa: 4, exponent: 4 } } }], 'ERR_ARGUMENT'],
    ['groups of e5m2', [{ ...fc(2, 2), quantization: { format: 'e5m2', groupSize: 32 } }], 'ERR_UNSUPPORTED'],
    [
      'a scale beside a search',
      [{ ...fc(2, 2), quantization: { format: 'fp8-search', scale: Float32Array.of(1) } }],
      'ERR_ARGUMENT',
    ],
    [
      'a scale too large for e4m3fn',
      [{ ...fc(2, 2), quantization: { format: 'e4m3fn', scale: Float32Array.of(2 ** 120) } }],
      'ERR_ARGUMENT',
    ],
    ['groups of 48', [{ ...fc(2, 2), quantization: { format: 'int4', groupSize: 48 } }], 'ERR_UNSUPPORTED'],
    ['5 bits', [{ ...fc(2, 2), quantization: { bits: 5 } }], 'ERR_UNSUPPORTED'],
    ['8 bits of int4', [{ ...fc(2, 2), quantization: { format: 'int4', bits: 8 } }], 'ERR_UNSUPPORTED'],
    ['4 bits of float32', [{ ...fc(2, 2), quantization: { format: 'float32', bits: 4 } }], 'ERR_UNSUPPORTED'],
    ['another mode', [{ ...fc(2, 2), quantization: { mode: 'fast' } }], 'ERR_ARGUMENT'],
    ['an unknown wish', [{ ...fc(2, 2), quantization: { bit: 4 } }], 'ERR_ARGUMENT'],
    ['null as a wish', [{ ...fc(2, 2), quantization: null }], 'ERR_ARGUMENT'],
    [
      '4 bits of float activations',
      [{ ...fc(2, 2), quantization: { format: 'float32', activationBits: 4 } }],
      'ERR_UNSUPPORTED',
    ],
    ['groups', [{ ...fc(2, 2), quantization: { groupSize: 32 } }], 'ERR_UNSUPPORTED'],
    [
      'a grid of another length',
      [{ ...fc(2, 2), quantization: { scale: new Float32Array(3).fill(1) } }],
      'ERR_SHAPE',
    ],
    ['a grid of plain numbers', [{ ...fc(2, 2), quantization: { scale: [1, 1] } }], 'ERR_DTYPE'],
    ['a grid of scale 0', [{ ...fc(2, 2), quantization: { scale: new Float32Array(2) } }], 'ERR_ARGUMENT'],
  ] as const)('refuses %s', (_, layers, code) => {
    expectError(() => new MLP(untyped(layers)), code);
  });
});
