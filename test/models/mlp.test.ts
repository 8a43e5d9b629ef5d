import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, linear, MLP, relu, residual } from '../../lib/index';
import { expectError } from '../support/errors';
import {
  ACTIVATIONS,
  evaluateRows,
  expectClose,
  nestedModels,
  randomChain,
  randomLinear,
} from '../support/models';
import { Seeded } from '../support/random';

const untyped = <T>(value: unknown) => value as T;

describe('runSync', () => {
  it.each(Object.entries(ACTIVATIONS))('a chain with %s agrees with float64', (_, activation) => {
    const random = new Seeded(81);
    using model = new MLP(randomChain(random, [13, 40, 17, 5], activation));
    const x = random.normals(13 * 50);
    expectClose(model.runSync(x), evaluateRows(model, x), 2e-5);
  });

  it('nested models agree with float64', () => {
    fc.assert(
      fc.property(nestedModels, fc.nat(1000), (layers, seed) => {
        using model = new MLP(layers, { seed });
        const x = new Seeded(seed).normals(4 * model.inFeatures);
        expectClose(model.runSync(x), evaluateRows(model, x), 1e-4);
      }),
      { numRuns: 200 },
    );
  });

  it('sums in the stated order: one chain of fma, then the bias', () => {
    // fma(a, b, c) in float64 is exact for these short mantissas; rounding to float32 happens once a step.
    const random = new Seeded(82);
    const short = (length: number) =>
      Float32Array.from({ length }, () => random.integer(-4095, 4095) * 2 ** random.integer(-12, -4));
    const [weight, bias, x] = [short(7 * 33), short(7), short(33)];
    using model = new MLP([linear({ inFeatures: 33, outFeatures: 7, weight, bias })]);
    const chain = Array.from({ length: 7 }, (_, n) => {
      let a = 0;
      for (let k = 0; k < 33; k++) a = Math.fround(x[k]! * weight[n * 33 + k]! + a);
      return Math.fround(a + bias[n]!);
    });
    expect([...model.runSync(x)]).toEqual(chain);
  });

  it('a row alone is the row in a batch', () => {
    const random = new Seeded(83);
    using model = new MLP(randomChain(random, [10, 30, 3], ACTIVATIONS['gelu']));
    const x = random.normals(10 * 250);
    const batch = model.runSync(x);
    for (const row of [0, 1, 95, 96, 97, 249]) {
      expect(model.runSync(x.slice(row * 10, row * 10 + 10))).toEqual(batch.slice(row * 3, row * 3 + 3));
    }
  });

  it('lets NaN and ±Infinity through', () => {
    using model = new MLP([linear({ inFeatures: 1, outFeatures: 1, weight: Float32Array.of(2) })]);
    expect([...model.runSync(Float32Array.of(Number.NaN, Infinity, -Infinity))]).toEqual([
      Number.NaN,
      Infinity,
      -Infinity,
    ]);
  });
});

describe('the constructor', () => {
  it('fills in its description', () => {
    using model = new MLP([randomLinear(new Seeded(1), 3, 2, 'fc'), relu()]);
    expect(model).toMatchObject({ kind: 'float', inFeatures: 3, outFeatures: 2 });
    expect(model.input).toEqual({ features: 3, dtype: 'float32' });
    expect(model.output).toEqual({ features: 2, dtype: 'float32' });
    expect(model.stages).toEqual([
      { name: 'fc', op: 'linear', inputs: ['input'], output: 'fc', format: 'float32', bytes: 32 },
      { name: '1', op: 'relu', inputs: ['fc'], output: '1', format: 'float32', bytes: 0 },
    ]);
    expect(model.metadata).toEqual({});
    expect(model.valueNames).toEqual(['input', 'fc', '1']);
  });

  it.each([
    ['an unknown option', { sed: 1 }],
    ['a negative seed', { seed: -1 }],
    ['half a seed', { seed: 0.5 }],
    ['text as seed', { seed: '1' }],
    ['no threads', { threads: 0 }],
    ['another onNaN', { onNaN: 'ignore' }],
    ['a queue of none', { maxQueue: 0 }],
    ['null', null],
  ])('refuses %s', (_, options) => {
    expectError(() => new MLP([linear({ inFeatures: 1, outFeatures: 1 })], untyped(options)), 'ERR_ARGUMENT');
  });
});

describe('observe', () => {
  const random = new Seeded(84);
  const layers = [
    randomLinear(random, 4, 6, 'a'),
    relu(),
    residual([randomLinear(random, 6, 6, 'b')]),
    concat([[], [relu()]]),
  ];

  it('shows every value once, in order, with the input', () => {
    using model = new MLP(layers);
    const x = random.normals(4 * 200);
    const seen = new Map<string, Float32Array>();
    model.observe(x, (name, data) => seen.set(name, data.slice()));
    expect([...seen.keys()]).toEqual(model.valueNames);
    expect(seen.get('input')).toEqual(x);
    expect(seen.get('a')).toHaveLength(6 * 200);
    expect(seen.get('1')).toEqual(seen.get('a')!.map((v) => Math.max(v, 0)));
    expect(seen.get('3')).toEqual(model.runSync(x));
  });

  it('of no rows shows empty values', () => {
    using model = new MLP(layers);
    const lengths: number[] = [];
    model.observe(new Float32Array(0), (_, data) => lengths.push(data.length));
    expect(lengths).toEqual(model.valueNames.map(() => 0));
  });

  it('checks its rows', () => {
    using model = new MLP(layers);
    expectError(() => model.observe(new Float32Array(5), () => {}), 'ERR_SHAPE');
    expectError(() => model.observe(untyped(new Float64Array(4)), () => {}), 'ERR_DTYPE');
  });

  it('ends with the model', () => {
    const model = new MLP(layers);
    model.observe(random.normals(4), () => {});
    model.dispose();
    expectError(() => model.observe(random.normals(4), () => {}), 'ERR_DISPOSED');
  });
});
