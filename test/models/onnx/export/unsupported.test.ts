import { describe, expect, it } from 'vitest';
import { linear, MLP, quantize, tanh } from '../../../../lib/index';
import type { Graph, Node } from '../../../../lib/models/graph';
import { checkExportable } from '../../../../lib/models/onnx/export/unsupported';
import { expectError } from '../../../support/errors';

const names = ['a', 'b', 'c'];
const float = new MLP(
  names.flatMap((name) => [
    linear({ inFeatures: 4, outFeatures: 4, name }),
    { ...tanh(), name: `${name}.act` },
  ]),
);
const range = { min: -2, max: 2 };
const calibration = {
  method: 'minmax',
  rows: 1,
  ranges: Object.fromEntries(['input', ...float.graph.values.keys()].map((name) => [name, range])),
  kept: new Float32Array(0),
  toJSON: () => ({}),
} as const;

function changed(graph: Graph, change: (node: Node) => Node): Graph {
  return { ...graph, nodes: graph.nodes.map(change) };
}

describe('checkExportable', () => {
  it('names every layer of int4 weights that works on codes', () => {
    const dynamic = { format: 'int4', mode: 'dynamic' } as const;
    using model = quantize(float, calibration, { layers: { a: dynamic, c: dynamic } });
    expectError(() => checkExportable(model.graph), 'ERR_UNSUPPORTED', /'a' \(int4.*, 'c' \(int4/);
    using weightOnly = quantize(float, null, { mode: 'weight-only', format: 'int4' });
    expect(() => checkExportable(weightOnly.graph)).not.toThrow();
  });

  it('names every float8 layer', () => {
    using fp8 = quantize(float, calibration, { layers: { a: { format: 'e4m3fn' } } });
    expectError(() => checkExportable(fp8.graph), 'ERR_UNSUPPORTED', /'a' \(float8\)/);
    using weightOnly = quantize(float, null, { mode: 'weight-only', format: { mantissa: 3, exponent: 4 } });
    expectError(() => checkExportable(weightOnly.graph), 'ERR_UNSUPPORTED', /'a' \(float8\), 'b' /);
  });

  it('a table that is not its operator between its grids', () => {
    using model = quantize(float, calibration, { output: 'int8' });
    expect(() => checkExportable(model.graph)).not.toThrow();
    const other = changed(model.graph, (node) => {
      if (!('table' in node) || node.table === undefined || node.name === 'b.act') return node;
      const table = node.table.slice();
      table[200]! ^= 1;
      return { ...node, table };
    });
    expectError(() => checkExportable(other), 'ERR_UNSUPPORTED', /'a\.act' \(a table.*tanh.*'c\.act'/);
  });

  it('a clamp of codes that have a scale a feature', () => {
    using model = quantize(
      float,
      { ...calibration, kept: Float32Array.of(1, 2, 3, 4) },
      { inputs: 'per-feature' },
    );
    const values = new Map(model.graph.values);
    expect(() => checkExportable(model.graph)).not.toThrow();
    values.set('input', { ...values.get('input')!, max: 200 } as never);
    expectError(() => checkExportable({ ...model.graph, values }), 'ERR_UNSUPPORTED', /'input' \(a clamp/);
  });
});
