import { beforeAll, describe, expect, it } from 'vitest';
import {
  calibrate,
  concat,
  type Layer,
  logSoftmax,
  MLP,
  type QuantizedMLP,
  type QuantizeOptions,
  quantize,
  residual,
  softmax,
} from '../../lib/index';
import { kernels } from '../../lib/kernels';
import { accumulatorScale, compile, productScale } from '../../lib/models/compile';
import type { Graph } from '../../lib/models/graph';
import { type KernelJob, runWithKernel } from '../support/kernel-child';
import { ACTIVATIONS, randomChain, randomLayerNorm, randomLinear } from '../support/models';
import { Seeded } from '../support/random';

const random = new Seeded(191);

function nested(): Layer[] {
  const act = () => random.pick(Object.values(ACTIVATIONS))();
  return [
    randomLinear(random, 9, 21, 'a'),
    act(),
    residual([
      randomLayerNorm(random, 21),
      randomLinear(random, 21, 35, 'b'),
      act(),
      randomLinear(random, 35, 21, 'c'),
    ]),
    concat([[randomLinear(random, 21, 5, 'd'), softmax()], [act()], []]),
    act(),
    randomLayerNorm(random, 47),
    randomLinear(random, 47, 13, 'e'),
    logSoftmax(),
  ];
}

describe('whole models on every kernel', () => {
  const jobs: KernelJob[] = [];
  let reference: readonly string[] | undefined;

  const add = (model: MLP | QuantizedMLP) => {
    const input = random.normals(model.inFeatures * 110, 1.5);
    const program = compile(model.graph);
    jobs.push({ kind: 'plan', program, input, result: new Float32Array(model.outFeatures * 110) });
    if (model.output.dtype === 'int8')
      jobs.push({ kind: 'plan', program, input, result: new Int8Array(model.outFeatures * 110) });
  };

  beforeAll(async () => {
    const options: QuantizeOptions[] = [
      {},
      { rounding: 'half-even', activations: 'symmetric' },
      { rounding: 'gemmlowp', output: 'int8' },
      { rounding: 'float32', weights: 'per-tensor', output: 'uint8' },
      { mode: 'dynamic' },
      { mode: 'weight-only' },
      { layers: { b: { mode: 'dynamic' }, e: { mode: 'weight-only' } } },
    ];
    const floats = [
      ...Array.from({ length: 8 }, () => new MLP(nested())),
      new MLP(randomChain(random, [9, 300, 64, 3])),
    ];
    for (const model of floats) {
      add(model);
      const ranges = await calibrate(model, random.normals(9 * 100), { method: 'minmax' });
      for (const o of options) {
        if (o.layers && !model.valueNames.includes('b')) continue;
        add(quantize(model, ranges, o));
      }
    }
    ({ digests: reference } = runWithKernel('scalar', jobs));
  });

  it.each(kernels().available)('%s gives the same bytes', (kernel) => {
    const { active, digests } = runWithKernel(kernel, jobs);
    expect(active).toBe(kernel);
    expect(jobs.length).toBeGreaterThan(70);
    expect(digests).toHaveLength(jobs.length);
    expect(digests).toEqual(reference);
  });
});

describe('scales of products', () => {
  const grid = { features: 2, dtype: 'uint8', zeroPoint: 0 } as const;

  it('fl(sx·sw)', () => {
    const x = { ...grid, scale: Float32Array.of(0.1) };
    expect(productScale(x)).toBe(Math.fround(0.1));
    expect([...accumulatorScale(x, Float32Array.of(0.3, 7))]).toEqual(
      [0.3, 7].map((sw) => Math.fround(Math.fround(0.1) * Math.fround(sw))),
    );
  });

  it('a scale a feature is folded into the weights: 1', () => {
    const x = { ...grid, scale: Float32Array.of(0.1, 0.2) };
    expect(productScale(x)).toBe(1);
    expect([...accumulatorScale(x, Float32Array.of(0.5))]).toEqual([0.5]);
  });
});

describe('codes of one grid', () => {
  const value = (features: number, scale = 0.5, zeroPoint = 3, more = {}) => ({
    features,
    dtype: 'uint8' as const,
    scale: Float32Array.of(scale),
    zeroPoint,
    ...more,
  });
  const graph = (output: object): Graph =>
    ({
      kind: 'quantized',
      rounding: 'half-up',
      input: 'x',
      output: 'y',
      values: new Map(Object.entries({ x: value(2), y: output })),
      nodes: [{ name: 'y', op: 'concat', inputs: ['x', 'x'], output: 'y' }],
      record: [],
    }) as unknown as Graph;

  it('are copied by a concat', () => {
    expect(compile(graph(value(4))).stages.map(({ op }) => op)).toEqual(['concat']);
  });

  it.each([
    ['another scale', value(4, 0.25)],
    ['another zero point', value(4, 0.5, 4)],
    ['a clamp that the input does not have', value(4, 0.5, 3, { min: 3 })],
  ])('but not to %s', (_, output) => {
    expect(compile(graph(output)).stages.map(({ op }) => op)).toEqual([
      'dequantize',
      'dequantize',
      'concat',
      'quantize',
    ]);
  });
});
