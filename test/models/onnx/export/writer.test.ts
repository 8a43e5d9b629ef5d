import { describe, expect, it } from 'vitest';
import { linear, MLP } from '../../../../lib/index';
import { GraphWriter } from '../../../../lib/models/onnx/export/writer';

describe('GraphWriter', () => {
  it('gives names that neither the model nor anything written before has', () => {
    const { graph } = new MLP([linear({ inFeatures: 1, outFeatures: 1, name: 'y' })]);
    const writer = new GraphWriter(graph, 17);
    expect([writer.fresh('y'), writer.fresh('y'), writer.fresh('input')]).toEqual(['y#2', 'y#3', 'input#2']);
    expect(writer.scalar('z', 2)).toBe('z');
    expect(writer.step('Relu', ['z'], 'z')).toBe('z#2');
    expect(writer.add('Relu', ['z'], { value: 'y', node: 'y' })).toBe('y');
    expect(writer.nodes.map(({ name, output }) => [name, output[0]])).toEqual([
      ['z#2', 'z#2'],
      ['y', 'y'],
    ]);
  });
});
