import { describe, expect, it } from 'vitest';
import { linearNodes } from '../../lib/compression/rebuild';
import {
  checkWeightGridOptions,
  scaleIndex,
  type WeightGridOptions,
  weightGrid,
} from '../../lib/compression/weight-grid';
import { linear, MLP } from '../../lib/index';
import { expectError } from '../support/errors';
import { Seeded } from '../support/random';

const [IN, OUT] = [70, 6];
const random = new Seeded(11);
const weight = random.normals(IN * OUT);
// One outlier: a grid as wide as it wastes its codes on the others.
weight[5] = 12;
const node = linearNodes(
  new MLP([linear({ inFeatures: IN, outFeatures: OUT, weight, bias: false })]).graph,
)[0]!;
const identity = Float32Array.from({ length: IN * IN }, (_, i) => (i % (IN + 1) === 0 ? 1 : 0));

/** Σ(ŵ − w)²: what the identity as gram makes of it. */
function loss(scale: Float32Array, maxCode: number, span: number) {
  return weight.reduce((sum, w, i) => {
    const [n, k] = [Math.floor(i / IN), i % IN];
    const s = scale[scaleIndex({ span }, IN, n, k)]!;
    const q = Math.min(Math.max(Math.round(w / s), -maxCode), maxCode);
    return sum + (s * q - w) ** 2;
  }, 0);
}

describe('weightGrid', () => {
  it.each<[WeightGridOptions, number, number]>([
    [{ bits: 4 }, OUT, 7],
    [{ bits: 3, weights: 'per-tensor' }, 1, 3],
    [{ bits: 2 }, OUT, 1],
    [{ bits: 8 }, OUT, 127],
    [{ format: 'int4', groupSize: 32 }, OUT * 3, 7],
  ])('%j: scales, codes, and no larger loss than the widest grid', (options, count, maxCode) => {
    const grid = weightGrid(node, identity, options);
    expect(grid.scale).toHaveLength(count);
    expect(grid.maxCode).toBe(maxCode);
    expect(grid.wish.scale).toBe(grid.scale);
    const widest = grid.scale.map((_, i) => {
      const own = weight.filter((_, j) => scaleIndex(grid, IN, Math.floor(j / IN), j % IN) === i);
      return own.reduce((a, b) => Math.max(a, Math.abs(b)), 0) / maxCode;
    });
    const found = loss(grid.scale, maxCode, grid.span);
    expect(found).toBeLessThanOrEqual(loss(widest, maxCode, grid.span) * 1.001);
    if (options.weights === 'per-tensor') expect(grid.scale[0]).toBeLessThan(widest[0]! * 0.8);
  });

  it('what no input reaches does not count', () => {
    const blind = identity.slice();
    blind[5 * IN + 5] = 0;
    const grid = weightGrid(node, blind, { bits: 4 });
    expect(grid.scale[0]).toBeLessThan(weightGrid(node, identity, { bits: 4 }).scale[0]!);
  });

  it('int4 scales keep 8 significant bits', () => {
    const { scale } = weightGrid(node, identity, { format: 'int4', groupSize: 64 });
    for (const bits of new Uint32Array(scale.buffer)) expect(bits & 0xffff).toBe(0);
  });

  it.each<[object]>([
    [{ bits: 5 }],
    [{ format: 'int5' }],
    [{ format: 'int4', bits: 8 }],
    [{ groupSize: 32 }],
    [{ format: 'int4', groupSize: 33 }],
    [{ weights: 'both' }],
  ])('bad options %j: ERR_ARGUMENT', (options) => {
    expectError(() => checkWeightGridOptions(options as WeightGridOptions), 'ERR_ARGUMENT');
  });
});
