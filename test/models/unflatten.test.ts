import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, type Layer, layerNorm, linear, MLP, relu, residual, softmax } from '../../lib/index';
import { flatten } from '../../lib/models/flatten';
import type { Graph, Node } from '../../lib/models/graph';
import { unflatten } from '../../lib/models/unflatten';
import { expectSameBytes } from '../support/bytes';
import { expectError } from '../support/errors';
import { nestedModels } from '../support/models';

const square = (features: number) => linear({ inFeatures: features, outFeatures: features });

describe('layers', () => {
  it('rebuilt into a model give the same bytes and results', () => {
    fc.assert(
      fc.property(nestedModels, fc.nat(1000), (layers, seed) => {
        using model = new MLP(layers, { seed });
        using again = new MLP(model.layers);
        expectSameBytes(again.toBytes(), model.toBytes());
        const x = Float32Array.from({ length: 3 * model.inFeatures }, (_, i) => Math.sin(i + seed));
        expectSameBytes(again.runSync(x), model.runSync(x));
      }),
      { numRuns: 300 },
    );
  });

  it('come back nested as they were, with their names', () => {
    const layers: Layer[] = [
      { ...square(2), name: 'a' },
      {
        ...residual([
          { ...concat([[{ ...relu(), name: 'c' }], []]), name: 'b' },
          { ...linear({ inFeatures: 4, outFeatures: 2, bias: false }), name: 'd' },
        ]),
        name: 'e',
      },
      { ...softmax(), name: 'f' },
      { ...layerNorm({ features: 2, weight: Float32Array.of(1, 2) }), name: 'g' },
    ];
    const [a, e, f, g] = new MLP(layers).layers;
    expect(a).toMatchObject({ type: 'linear', name: 'a', inFeatures: 2, outFeatures: 2 });
    expect(e).toMatchObject({
      type: 'residual',
      name: 'e',
      layers: [
        { type: 'concat', name: 'b', branches: [[{ type: 'relu', name: 'c', attributes: {} }], []] },
        { type: 'linear', name: 'd', bias: false },
      ],
    });
    expect(f).toEqual({ type: 'softmax', name: 'f' });
    expect(g).toEqual({
      type: 'layerNorm',
      name: 'g',
      features: 2,
      epsilon: 1e-5,
      weight: Float32Array.of(1, 2),
    });
  });

  it('carry the grid that was chosen for them', () => {
    const scale = Float32Array.of(0.25, 0.5);
    const [layer] = new MLP([{ ...square(2), quantization: { scale, mode: 'dynamic' } }]).layers;
    expect(layer!.quantization).toEqual({ scale, mode: 'dynamic' });
  });

  it('are made once', () => {
    const model = new MLP([square(2)]);
    expect(model.layers).toBe(model.layers);
    expect(Object.isFrozen(model.layers)).toBe(true);
  });

  it('of many concats in a row come back at once', () => {
    const layers: Layer[] = [linear({ inFeatures: 2, outFeatures: 1 })];
    for (let i = 0; i < 60; i++)
      layers.push(concat([[], [relu()]]), linear({ inFeatures: 2, outFeatures: 1 }));
    const started = performance.now();
    expect(new MLP(layers).layers).toHaveLength(121);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('of concats inside of concats come back at once', () => {
    let inner: Layer[] = [relu()];
    for (let i = 0; i < 20; i++)
      inner = [concat([inner, []]), linear({ inFeatures: i === 0 ? 4 : 4, outFeatures: 2 })];
    const started = performance.now();
    expect(new MLP([square(2), ...inner]).layers).toHaveLength(3);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('of a long chain come back', () => {
    const chain = [square(1), ...Array.from({ length: 5000 }, relu)];
    expect(new MLP(chain).layers).toHaveLength(5001);
  });
});

it('a file may nest deeper than layers do', () => {
  const { values, ...first } = flatten([square(1)]);
  const nodes = Array.from(
    { length: 9000 },
    (_, i): Node => ({
      name: `n${i}`,
      op: 'add',
      inputs: ['input', i === 0 ? '0' : `n${i - 1}`],
      output: `n${i}`,
    }),
  );
  const graph = { ...first, values, nodes: [...first.nodes, ...nodes], output: 'n8999' };
  expectError(() => unflatten(graph), 'ERR_LIMIT', /256/);
});

describe('other wirings', () => {
  const base = flatten([square(2), relu(), relu()]);
  const rewired = (nodes: Node[]): Graph => ({ ...base, nodes, output: nodes.at(-1)!.output });
  const [first, second, third] = base.nodes as [Node, Node, Node];
  const add = (name: string, inputs: string[]): Node => ({ name, op: 'add', inputs, output: name });

  it.each([
    ['an add whose first input is not where the second began', [first, second, third, add('2b', ['1', '0'])]],
    ['a branch that is used twice', [first, second, add('a', ['0', '1']), add('b', ['a', '1'])]],
    ['a node that leads nowhere', [first, second, { ...third, inputs: ['0'] }]],
    ['a quantize node', [first, { name: 'q', op: 'quantize', inputs: ['0'], output: 'q' } as Node]],
  ])('%s', (_, nodes) => {
    expectError(() => unflatten(rewired(nodes)), 'ERR_UNSUPPORTED', /wired otherwise/);
  });
});
