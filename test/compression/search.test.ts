import { describe, expect, it } from 'vitest';
import { candidatesFor } from '../../lib/compression/candidates';
import { type MethodResult, search } from '../../lib/compression/search';
import { gelu, linear, MLP, QuantizedMLP, quantize, relu } from '../../lib/index';
import { expectRejection } from '../support/errors';
import { randomChain, randomLinear } from '../support/models';
import { Seeded } from '../support/random';

const model = new MLP(randomChain(new Seeded(1801), [12, 24, 16, 5], relu));
const rows = new Seeded(1802).normals(12 * 200);
const test = new Seeded(1803).normals(12 * 300);
const reference = model.runSync(test);
const labels = Uint8Array.from({ length: 300 }, (_, i) => {
  const row = [...reference.subarray(5 * i, 5 * i + 5)];
  return row.indexOf(Math.max(...row));
});
const data = { inputs: test, labels };

describe('search', () => {
  it('tries every candidate once and keeps the smallest file that loses little, then the highest SQNR', async () => {
    const names = candidatesFor(model.graph, ['static', 'dynamic', 'weight-only'], 2, data).map(
      ({ name }) => name,
    );
    expect(new Set(names).size).toBe(names.length);
    const steps: string[] = [];
    const found = await search(model, rows, {
      data,
      maxDrop: 2,
      onProgress: ({ step }) => void steps.push(step),
    });
    expect(found.results.map(({ name }) => name)).toEqual(names);
    expect(steps).toEqual([...names, 'search']);
    expect(found.untried).toBe(0);
    expect(found.results.filter(({ error }) => error !== undefined)).toEqual([]);

    const good = found.results.filter(({ drop }) => drop! <= 2);
    const smallest = Math.min(...good.map(({ bytes }) => bytes));
    const contenders = good.filter(({ bytes }) => bytes < smallest * 1.01);
    const best = contenders.reduce((a, b) => (b.sqnrDb > a.sqnrDb ? b : a));
    expect(found).toMatchObject({ name: best.name, met: true });

    using quantized = quantize(found.model, found.calibration, found.options);
    using loaded = await QuantizedMLP.load(quantized.toBytes());
    const step = loaded.graph.record.find(({ step }) => step === 'search') as { tried?: MethodResult[] };
    expect(step).toMatchObject({ chosen: best.name, maxDrop: 2 });
    expect(step.tried!.map(({ name }) => name)).toEqual(names);
    expect(step.tried![0]).not.toHaveProperty('milliseconds');
  });

  it('where none keeps to it, gives the one that loses least', async () => {
    const wrong = { inputs: test, labels: labels.map((label) => (label + 1) % 5) };
    const found = await search(model, rows, { data: wrong, maxDrop: 0, modes: ['weight-only'] });
    const least = Math.min(...found.results.map(({ drop }) => drop!));
    expect(found.results.find(({ name }) => name === found.name)!.drop).toBe(least);
    expect(found.met).toBe(least <= 0);
    expect(found.options.mode).toBe('weight-only');
  });

  it('tries the first in any case, and no more than the time allows', async () => {
    const found = await search(model, rows, { budget: 0 });
    expect(found.results).toHaveLength(1);
    expect(found.untried).toBeGreaterThan(20);
    expect(found.name).toBe('int8 static mse');
  });

  it('has all the time where none is said to be over', async () => {
    const found = await search(model, rows, { budget: Number.POSITIVE_INFINITY, modes: ['weight-only'] });
    expect(found.results.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(found.untried).toBe(0);
  });

  it('leaves out what would change nothing', () => {
    const random = new Seeded(1804);
    const { graph } = new MLP([randomLinear(random, 4, 4, 'a'), gelu(), randomLinear(random, 4, 4, 'b')]);
    const names = candidatesFor(graph, ['static', 'dynamic'], 1, undefined).map(({ name }) => name);
    expect(names.filter((name) => /equalize|smooth|weight-only$/.test(name))).toEqual([
      'int8 static, mixed with weight-only',
    ]);
  });

  it('refuses what it cannot use, and stops when it is aborted', async () => {
    const one = new MLP([linear({ inFeatures: 12, outFeatures: 1 })]);
    await expectRejection(search(one, rows), 'ERR_ARGUMENT', /labels/);
    await expectRejection(search(model, [1] as never), 'ERR_DTYPE');
    await expectRejection(search(model, rows, { maxDrop: -1 }), 'ERR_ARGUMENT');
    await expectRejection(search(model, rows, { budget: Number.NaN }), 'ERR_ARGUMENT');
    await expectRejection(search(model, rows, { modes: [] }), 'ERR_ARGUMENT');
    await expectRejection(search(model, rows, { modes: ['fast' as never] }), 'ERR_ARGUMENT');
    await expectRejection(search({} as MLP, rows), 'ERR_MODEL_KIND');
    const abort = new AbortController();
    const onProgress = ({ done }: { done: number }) => void (done === 2 && abort.abort(new Error('enough')));
    await expect(search(model, rows, { signal: abort.signal, onProgress })).rejects.toThrow('enough');
  });
});
