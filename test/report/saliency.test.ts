import { describe, expect, it } from 'vitest';
import { linearNodes } from '../../lib/compression/rebuild';
import { linear, MLP, relu } from '../../lib/index';
import { FeatureMoments, pruningOf } from '../../lib/report/saliency';

const weight = Float32Array.of(0, 1, 0, 2, 0, 3, 0, 4, 10, 0);
const model = new MLP([
  linear({ inFeatures: 2, outFeatures: 5, weight, name: 'a' }),
  relu(),
  linear({ inFeatures: 5, outFeatures: 1, name: 'b' }),
]);
const [a, b] = linearNodes(model.graph);

describe('pruningOf', () => {
  it('zeros, blocks, neurons, and how saliency is spread', () => {
    const moments = new FeatureMoments(2);
    moments.add(Float32Array.of(5, 1, 5, -1));
    moments.add(Float32Array.of(5, 1, 5, -1));
    expect([...moments.variances()]).toEqual([0, 1]);
    // The input of the largest weight never changes. Saliencies: 0 six times, 1, 4, 9, 16.
    const pruning = pruningOf(model.graph, a!, moments);
    expect(pruning).toMatchObject({ zeros: 50, zeroBlocks: 50, removableNeurons: 5, neuronsStay: null });
    expect(pruning.least).toEqual([0, 100 / 30, 1400 / 30]);
    expect(pruning.saliencies.min).toBe(0);
    expect(pruning.saliencies.max).toBeCloseTo(Math.log10(16), 6);
    expect(pruning.saliencies.histogram.counts.reduce((x, y) => x + y)).toBe(3);
  });

  it('no rows, no saliency; outputs that the caller reads', () => {
    const pruning = pruningOf(model.graph, b!, new FeatureMoments(5));
    expect(pruning).toMatchObject({
      removableNeurons: 0,
      neuronsStay: "they are the model's output",
      least: [0, 0, 0],
      saliencies: { min: 0, max: 0 },
    });
  });
});
