import { describe, expect, it } from 'vitest';
import { calibrate, linear, MLP, type QuantizedMLP, quantize, relu } from '../../lib/index';
import { measureLayers, sampleRows, shownLayers } from '../../lib/report/layers';
import { reportSettings } from '../../lib/report/options';
import { makeVariants } from '../../lib/report/variants';
import { Turn } from '../../lib/turn';
import { sqnr } from '../support/models';
import { chain, normalRows, WIDTHS } from './support';

describe('shownLayers', () => {
  it('the first and the last ones of many', () => {
    using model = new MLP(chain([3, 3, 3, 3, 3, 3, 3]));
    const names = (most: number): string[] => shownLayers(model, most).map(({ name }) => name);
    expect(names(6)).toEqual(['fc1', 'fc2', 'fc3', 'fc4', 'fc5', 'fc6']);
    expect(names(5)).toEqual(['fc1', 'fc2', 'fc3', 'fc5', 'fc6']);
    expect(names(1)).toEqual(['fc1']);
  });
});

describe('sampleRows', () => {
  it('draws whole rows in their order, by the seed', async () => {
    using model = new MLP([linear({ inFeatures: 2, outFeatures: 1 })]);
    const rows = Float32Array.from({ length: 200 }, (_, i) => i);
    const calibration = await calibrate(model, rows);
    const sample = (seed: number, observedRows: number) =>
      sampleRows(rows, 2, reportSettings({ calibration, seed, observedRows }));
    const drawn = sample(1, 10);
    expect(drawn).toHaveLength(20);
    expect([...drawn]).toEqual([...drawn].sort((a, b) => a - b));
    for (let i = 0; i < 20; i += 2) expect([drawn[i]! % 2, drawn[i + 1]! - drawn[i]!]).toEqual([0, 1]);
    expect(sample(1, 10)).toEqual(drawn);
    expect(sample(2, 10)).not.toEqual(drawn);
    expect(sample(1, 100)).toBe(rows);
  });
});

describe('measureLayers', () => {
  it('each layer against the float model, and its values on their grids', async () => {
    using model = new MLP(chain());
    const calibration = await calibrate(model, normalRows(100, WIDTHS[0], 2), { method: 'minmax' });
    const rows = normalRows(50);
    const settings = reportSettings({ calibration, quantize: { weights: 'per-tensor' } });
    const [int8] = makeVariants(model, settings);
    const layers = await measureLayers(model, [int8!], rows, settings, new Turn(undefined));
    int8!.model!.dispose();
    expect(layers.map(({ name, inFeatures, outFeatures }) => [name, inFeatures, outFeatures])).toEqual([
      ['fc1', 12, 16],
      ['fc2', 16, 8],
      ['fc3', 8, 4],
    ]);
    using quantized = quantize(model, calibration, { weights: 'per-tensor' });
    expect(layers[2]!.formats.int8!.output.sqnrDb).toBeCloseTo(
      sqnr(model.runSync(rows), quantized.runSync(rows)),
      6,
    );
    const values = valuesOf(model, rows);
    const weights = weightsOf(quantized);
    for (const [i, layer] of layers.entries()) {
      const [grid] = layer.activations.grids;
      const inputs = values[i]!;
      expect(layer.activations.histogram.zeros + sum(layer.activations.histogram.counts)).toBe(inputs.length);
      expect([layer.activations.min, layer.activations.max]).toEqual([
        Math.min(0, ...inputs),
        Math.max(0, ...inputs),
      ]);
      const nearest = inputs.map((x) => near(x, grid!.levels));
      expect(layer.formats.int8!.activations.sqnrDb).toBeCloseTo(sqnr(inputs, nearest), 3);
      const { real, float } = weights[i]!;
      expect(layer.formats.int8!.weights.sqnrDb).toBeCloseTo(sqnr(float, real), 3);
    }

    function weightsOf({ graph }: QuantizedMLP): { real: number[]; float: Float32Array }[] {
      return graph.nodes.flatMap((node) => {
        if (node.op !== 'linear' || node.weight.format !== 'int8') return [];
        const { data, scale } = node.weight;
        const own = model.layers.find(({ name }) => name === node.name) as unknown as {
          weight: Float32Array;
        };
        return [{ real: Array.from(data, (q) => q * scale[0]!), float: own.weight }];
      });
    }
  });

  it('knows features that stand out', async () => {
    const weight = Float32Array.from({ length: 32 }, (_, i) => (i < 8 ? 10 : 0.1));
    using model = new MLP([
      linear({ inFeatures: 8, outFeatures: 4, weight, name: 'a' }),
      relu(),
      linear({ inFeatures: 4, outFeatures: 2, name: 'b' }),
    ]);
    const rows = normalRows(64, 8).map((x) => Math.abs(x));
    const calibration = await calibrate(model, rows);
    const settings = reportSettings({ calibration });
    const variants = makeVariants(model, settings);
    const [a, b] = await measureLayers(model, variants, rows, settings, new Turn(undefined));
    for (const { model: made } of variants) made?.dispose();
    expect(a!.weightSpread).toBeCloseTo(100, 3);
    expect(a!.weights.grids.filter(({ format }) => format === 'int8').map(({ label }) => label)).toEqual([
      'int8, widest feature',
      'int8, narrowest feature',
    ]);
    expect(b!.activationSpread).toBeCloseTo(100, 3);
  });
});

/** What each Linear layer of the chain reads. */
function valuesOf(model: MLP, rows: Float32Array): Float32Array[] {
  const values = new Map<string, Float32Array>();
  model.observe(rows, (name, data) => values.set(name, data.slice()));
  return model.graph.nodes.flatMap(({ op, inputs }) => (op === 'linear' ? [values.get(inputs[0]!)!] : []));
}

function near(x: number, levels: readonly number[]): number {
  return levels.reduce((best, level) => (Math.abs(level - x) < Math.abs(best - x) ? level : best));
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
