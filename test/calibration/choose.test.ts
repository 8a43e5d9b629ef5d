import { describe, expect, it } from 'vitest';
import { calibrateJudged } from '../../lib/calibration/calibrate';
import { METHOD_NAMES } from '../../lib/calibration/methods';
import { calibrate, calibrationFromJSON, type Layer, linear, MLP, quantize, relu } from '../../lib/index';
import { randomChain } from '../support/models';
import { Seeded } from '../support/random';

const METHODS = METHOD_NAMES.filter((name) => name !== 'auto');
const model = new MLP(randomChain(new Seeded(1601), [8, 24, 5], relu));
const normal = new Seeded(1602).normals(8 * 300);
/** A few values far from the others. */
const outliers = normal.map((x, i) => (i % 401 === 0 ? 60 * x : x));

const batchesOf = (rows: Float32Array) => [rows.subarray(0, 800), rows.subarray(800)];

describe("'auto'", () => {
  it.each([
    ['normal rows', normal],
    ['rows with outliers', outliers],
  ])('takes the observer with the smallest output error: %s', async (_, rows) => {
    const reference = model.runSync(rows);
    const errors = new Map<string, number>();
    for (const method of METHODS) {
      const calibration = await calibrate(model, batchesOf(rows), { method });
      using int8 = quantize(model, calibration);
      errors.set(
        method,
        int8.runSync(rows).reduce((sum, y, i) => sum + (y - reference[i]!) ** 2, 0),
      );
    }
    const auto = await calibrate(model, batchesOf(rows));
    expect(errors.get(auto.method)).toBe(Math.min(...errors.values()));
    expect(auto).toEqual(await calibrate(model, batchesOf(rows), { method: auto.method }));
    expect(calibrationFromJSON(JSON.parse(JSON.stringify(auto))).method).toBe(auto.method);
  });

  it('is mse where nothing can be judged', async () => {
    expect((await calibrate(model, normal, { keepRows: 0 })).method).toBe('mse');
    const wishing = model.layers.map((layer): Layer => ({ ...layer, quantization: { mode: 'weight-only' } }));
    expect((await calibrate(new MLP(wishing), normal)).method).toBe('mse');
    // Infinite outputs have no error that could be compared.
    const weight = Float32Array.of(3e38, 0, 0, 0, 0, 0, 0, 0);
    const huge = new MLP([linear({ inFeatures: 8, outFeatures: 1, weight })]);
    expect((await calibrate(huge, normal)).method).toBe('mse');
  });

  it('stops when it is aborted between two observers', async () => {
    const abort = new AbortController();
    let judgements = 0;
    const makeJudge = () => () => {
      if (++judgements === 2) abort.abort(new Error('enough'));
      return judgements;
    };
    const options = { signal: abort.signal };
    await expect(calibrateJudged(model, normal, options, makeJudge)).rejects.toThrow('enough');
    expect(judgements).toBe(2);
  });
});
