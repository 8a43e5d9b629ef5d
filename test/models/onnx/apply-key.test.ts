import { describe, expect, it } from 'vitest';
import { leakyRelu, linear, MLP } from '../../../lib/index';
import type { Node } from '../../../lib/models/graph';
import { applyKey } from '../../../lib/models/onnx/apply-key';
import type { NodeKey } from '../../../lib/models/onnx/requant-key';
import { expectError } from '../../support/errors';

const { graph } = new MLP([
  linear({ inFeatures: 2, outFeatures: 3, name: 'fc' }),
  { ...leakyRelu(Math.fround(0.1)), name: 'act' },
]);

/** The nodes after a key about one of them. */
function nodes(name: string, key: NodeKey): readonly Node[] {
  return applyKey(graph, { kind: 'float', nodes: new Map([[name, key]]), record: [] }).nodes;
}

describe('applyKey', () => {
  it('takes attributes that round to those of the graph', () => {
    expect(nodes('act', { attributes: { slope: 0.1 } })[1]).toMatchObject({ attributes: { slope: 0.1 } });
    expect(nodes('act', { attributes: { slope: 0.2 } })).toEqual(graph.nodes);
    expect(nodes('act', { attributes: { alpha: 0.1 } })).toEqual(graph.nodes);
    expect(nodes('fc', { attributes: { slope: 0.1 } })).toEqual(graph.nodes);
  });

  it('takes scales of linear nodes that fit', () => {
    const scale = Float32Array.of(1, 2, 3);
    expect(nodes('fc', { scale })[0]).toMatchObject({ quantization: { scale } });
    expect(nodes('act', { scale })).toEqual(graph.nodes);
    expectError(() => nodes('fc', { scale: Float32Array.of(1, 2) }), 'ERR_SHAPE');
    expectError(() => nodes('fc', { scale: Float32Array.of(0) }), 'ERR_ARGUMENT');
  });

  it('takes the record, and passes over names that are not there', () => {
    const record = [{ step: 'train' }];
    const key = { kind: 'float', nodes: new Map([['gone', { scale: Float32Array.of(1) }]]), record } as const;
    expect(applyKey(graph, key)).toEqual({ ...graph, record });
  });
});
