import { describe, expect, it } from 'vitest';
import { clip, linear, MLP, relu6 } from '../../../../lib/index';
import { ACTIVATIONS } from '../../../support/models';
import { constant, exported, operators } from './support';

const one = linear({ inFeatures: 2, outFeatures: 2 });

describe('writeElementwise', () => {
  it.each([
    ['relu', ['Relu']],
    ['relu6', ['Clip']],
    ['clip', ['Clip']],
    ['leakyRelu', ['LeakyRelu']],
    ['elu', ['Elu']],
    ['hardSigmoid', ['HardSigmoid']],
    ['hardSwish', ['HardSwish'], ['HardSigmoid', 'Mul']],
    ['sigmoid', ['Sigmoid']],
    ['tanh', ['Tanh']],
    ['gelu', ['Gelu'], ['Div', 'Erf', 'Add', 'Mul', 'Mul']],
    ['geluTanh', ['Gelu'], ['Mul', 'Mul', 'Mul', 'Add', 'Mul', 'Tanh', 'Add', 'Mul', 'Mul']],
    ['silu', ['Sigmoid', 'Mul']],
  ])('%s', (name, now, before = now) => {
    using model = new MLP([one, ACTIVATIONS[name]!()]);
    expect(operators(exported(model, 20)).slice(1)).toEqual(now);
    const old = exported(model, 13);
    expect(operators(old).slice(1)).toEqual(before);
    expect(old.node.at(-1)!.name).toBe('1');
  });

  it('attributes under the names of ONNX', () => {
    const attributes = (name: string, opset: number) => {
      using model = new MLP([one, ACTIVATIONS[name]!()]);
      const { attribute } = exported(model, opset).node[1]!;
      return attribute.map(({ name, f, s }) => [name, s.length > 0 ? new TextDecoder().decode(s) : f]);
    };
    expect(attributes('leakyRelu', 17)).toEqual([['alpha', Math.fround(0.1)]]);
    expect(attributes('elu', 17)).toEqual([['alpha', Math.fround(0.7)]]);
    expect(attributes('hardSigmoid', 17)).toEqual([
      ['alpha', 0.25],
      ['beta', Math.fround(0.4)],
    ]);
    expect(attributes('geluTanh', 20)).toEqual([['approximate', 'tanh']]);
    expect(attributes('clip', 10)).toEqual([
      ['min', -0.75],
      ['max', 1.5],
    ]);
  });

  it('a clamp leaves out bounds that are infinite', () => {
    const clampOf = (layer: ReturnType<typeof relu6>, opset: number) => {
      using model = new MLP([one, { ...layer, name: 'c' }]);
      const graph = exported(model, opset);
      const { input, attribute } = graph.node[1]!;
      return [
        ...input.slice(1).map((name) => (name === '' ? null : constant(graph, name)[0])),
        ...attribute.map(({ name, f }) => `${name} ${f}`),
      ];
    };
    const { POSITIVE_INFINITY: inf } = Number;
    expect(clampOf(relu6(), 11)).toEqual([0, 6]);
    expect(clampOf(clip(-1, inf), 11)).toEqual([-1]);
    expect(clampOf(clip(-inf, 2), 11)).toEqual([null, 2]);
    expect(clampOf(clip(-inf, inf), 11)).toEqual([]);
    expect(clampOf(clip(-inf, 2), 10)).toEqual(['max 2']);
  });
});
