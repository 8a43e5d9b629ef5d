import { describe, expect, it } from 'vitest';
import { candidatesFor } from '../../lib/compression/candidates';
import { MLP, relu } from '../../lib/index';
import { randomChain } from '../support/models';
import { Seeded } from '../support/random';

const { graph } = new MLP(randomChain(new Seeded(2201), [4, 6, 6, 3], relu));

describe('candidatesFor', () => {
  it('names each by what it does; every observer, mode, group size and method is there', () => {
    const all = candidatesFor(graph, ['static', 'dynamic', 'weight-only'], 1, undefined);
    const names = all.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(
      expect.arrayContaining([
        'int8 static mse',
        'int8 static minmax',
        'int8 static percentile',
        'int8 static entropy',
        'int8 static movingAverage',
        'int8 static',
        'int8 static per-tensor',
        'int8 dynamic',
        'int8 weight-only',
        ...[32, 64, 128].flatMap((n) => [`int4/${n} dynamic`, `int4/${n} weight-only, correct bias`]),
        'int8 static per-tensor, equalize, correct bias',
        'int8 static, smooth 0.5',
        'int8 dynamic, smooth 0.5',
        'int8 static, mixed with weight-only',
      ]),
    );
  });

  it('plain ones come first, mixed precision last', () => {
    const all = candidatesFor(graph, ['static'], 1, undefined);
    expect(all[0]).toEqual({
      name: 'int8 static mse',
      observer: 'mse',
      methods: {},
      options: { mode: 'static' },
    });
    expect(all.at(-1)!.methods).toEqual({ mixedPrecision: { maxDrop: 1, fallback: 'float32' } });
    expect(all.every(({ options }) => options.mode === 'static')).toBe(true);
  });
});
