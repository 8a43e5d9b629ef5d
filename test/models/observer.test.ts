import { describe, expect, it } from 'vitest';
import { calibrate, gelu, linear, MLP, quantize, relu } from '../../lib/index';
import { isCodes } from '../../lib/models/graph';
import { Observer } from '../../lib/models/observer';
import { expectSameBytes } from '../support/bytes';
import { Seeded } from '../support/random';

const random = new Seeded(4);
const rows = random.normals(5 * 6);
const float = new MLP([
  linear({ inFeatures: 6, outFeatures: 4 }),
  gelu(),
  linear({ inFeatures: 4, outFeatures: 3 }),
  relu(),
  linear({ inFeatures: 3, outFeatures: 2 }),
]);

function observed(graph: MLP['graph']): Map<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  const observer = new Observer(graph, { nanIsZero: false });
  observer.observe(rows, (name, data) => values.set(name, data));
  observer.release();
  return values;
}

describe('Observer', () => {
  it('shows what MLP.observe shows', () => {
    const values = observed(float.graph);
    float.observe(rows, (name, data) => expectSameBytes(values.get(name)!, data));
    expectSameBytes(values.get('input')!, rows);
    expectSameBytes(values.get('4')!, float.runSync(rows));
  });

  it.each(['int8', 'uint8'] as const)('shows codes of %s as real numbers', async (output) => {
    const activations = output === 'int8' ? 'symmetric' : 'asymmetric';
    const ranges = await calibrate(float, rows, { method: 'minmax' });
    using model = quantize(float, ranges, { output, activations });
    const values = observed(model.graph);
    expect([...values.keys()]).toEqual([...model.graph.values.keys()]);
    expectSameBytes(values.get('4')!, model.runSync(rows));
    for (const [name, value] of model.graph.values) {
      if (!isCodes(value)) continue;
      for (const x of values.get(name)!) {
        const code = Math.fround(x / value.scale[0]!) + value.zeroPoint;
        expect(Math.abs(code - Math.round(code))).toBeLessThan(1e-4);
      }
    }
  });

  it('an input with a scale a feature', async () => {
    const ranges = await calibrate(float, rows, { method: 'minmax', keepRows: 5 });
    using model = quantize(float, ranges, { inputs: 'per-feature' });
    const input = observed(model.graph).get('input')!;
    const { scale } = model.input;
    for (const [i, x] of input.entries()) expect(Math.abs(x - rows[i]!)).toBeLessThan(0.51 * scale![i % 6]!);
  });
});
