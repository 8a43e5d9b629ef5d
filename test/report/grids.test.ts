import { describe, expect, it } from 'vitest';
import { linearNodes } from '../../lib/compression/rebuild';
import { calibrate, MLP, quantize } from '../../lib/index';
import type { Graph, LinearNode } from '../../lib/models/graph';
import { layerGrids } from '../../lib/report/grids';
import { chain, normalRows } from './support';

describe('int8', () => {
  it('the codes of a static layer as real numbers', async () => {
    using model = new MLP(chain());
    const calibration = await calibrate(model, normalRows(50), { method: 'minmax' });
    using int8 = quantize(model, calibration);
    const [node] = linearNodes(int8.graph) as [LinearNode];
    const { activations, weights } = layerGrids(int8.graph, node, 'int8')!;
    const [drawn] = activations.drawn;
    const { scale, zeroPoint } = int8.input;
    expect(drawn!.levels).toHaveLength(256);
    expect(drawn).toMatchObject({ step: scale![0], min: scale![0]! * (0 - zeroPoint!) });
    expect(weights.drawn.map(({ levels }) => levels.length)).toEqual([255, 255]);
    expect(weights.drawn[0]!.max).toBeGreaterThan(weights.drawn[1]!.max);
  });

  it('narrow weights have few codes', async () => {
    using model = new MLP(chain());
    const calibration = await calibrate(model, normalRows(50));
    using narrow = quantize(model, calibration, { bits: 4, weights: 'per-tensor' });
    const [node] = linearNodes(narrow.graph) as [LinearNode];
    expect(layerGrids(narrow.graph, node, 'int8')!.weights.drawn[0]!.levels).toHaveLength(15);
  });

  it('a layer that is not static has none', () => {
    using model = new MLP(chain());
    using dynamic = quantize(model, null, { mode: 'dynamic' });
    const [node] = linearNodes(dynamic.graph) as [LinearNode];
    expect(layerGrids(dynamic.graph, node, 'int8')).toBeUndefined();
    expect(layerGrids(dynamic.graph, node, 'e4m3fn')).toBeUndefined();
  });
});

describe('FP8', () => {
  it('E4M3 by the scales that the weights and the value read state', () => {
    const value = { features: 2, dtype: 'fp8', fp8: { format: 'e4m3fn', scale: Float32Array.of(0.5) } };
    const weight = { format: 'e4m3fn', scale: Float32Array.of(1, 0.25), data: new Uint8Array(4) };
    const graph = { values: new Map([['x', value]]) } as unknown as Graph;
    const node = { op: 'linear', inputs: ['x'], weight } as unknown as LinearNode;
    const { activations, weights } = layerGrids(graph, node, 'e4m3fn')!;
    expect(activations.drawn).toMatchObject([{ label: 'FP8 E4M3', min: -224, max: 224, step: null }]);
    expect(weights.drawn.map(({ max }) => max)).toEqual([448, 112]);
    expect(weights.error.map(({ max }) => max)).toEqual([448, 112]);
  });
});
