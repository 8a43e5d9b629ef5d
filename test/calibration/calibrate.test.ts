import { describe, expect, it } from 'vitest';
import { calibrate } from '../../lib/calibration/calibrate';
import type { Batches, Calibratable, CalibrateOptions, Progress } from '../../lib/calibration/types';
import { normals } from './random';

/** input [·, 2] → sum [·, 1]; reuses its memory, as models may, and notes the rows of each call. */
class Sum implements Calibratable {
  readonly inFeatures = 2;
  readonly valueNames = ['input', 'sum'];
  readonly calls: number[] = [];

  observe(rows: Float32Array, visit: (name: string, data: Float32Array) => void): void {
    this.calls.push(rows.length / 2);
    visit('input', rows);
    const sums = new Float32Array(rows.length / 2).map((_, i) => rows[2 * i]! + rows[2 * i + 1]!);
    visit('sum', sums);
    sums.fill(NaN);
  }
}

const rows = Float32Array.of(1, 2, 3, 4, -5, 0);

async function* lazily(...batches: Float32Array[]) {
  for (const batch of batches) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    yield batch;
  }
}

function coded(code: string, message: RegExp) {
  return expect.objectContaining({ code, message: expect.stringMatching(message) });
}

describe('calibrate', () => {
  it('gives a range for every value', async () => {
    const c = await calibrate(new Sum(), rows, { method: 'minmax' });
    expect(c.method).toBe('minmax');
    expect(c.rows).toBe(3);
    expect({ ...c.ranges }).toEqual({ input: { min: -5, max: 4 }, sum: { min: -5, max: 7 } });
    expect(Object.keys(c.ranges)).toEqual(['input', 'sum']);
    expect(Object.getPrototypeOf(c.ranges)).toBe(null);
  });

  it('takes an array, an iterable, a generator and an async generator alike', async () => {
    const data = normals(600, 1);
    const parts = [data.subarray(0, 10), new Float32Array(0), data.subarray(10, 400), data.subarray(400)];
    const whole = await calibrate(new Sum(), data);
    for (const batches of [parts, new Set(parts).values(), lazily(...parts)] satisfies Batches[]) {
      const c = await calibrate(new Sum(), batches);
      expect(c).toEqual(whole);
      expect(c.kept).toEqual(whole.kept);
    }
  });

  it("'auto' is 'mse' for a model that cannot judge, and says so", async () => {
    const auto = await calibrate(new Sum(), rows);
    expect(auto.method).toBe('mse');
    expect(auto).toEqual(await calibrate(new Sum(), rows, { method: 'mse' }));
    expect(auto).toEqual(await calibrate(new Sum(), rows, { method: 'auto' }));
  });

  it('keeps copies of the first rows', async () => {
    const own = rows.slice();
    const c = await calibrate(new Sum(), [own.subarray(0, 2), own.subarray(2)], { keepRows: 2 });
    own.fill(9);
    expect([...c.kept]).toEqual([1, 2, 3, 4]);
    expect((await calibrate(new Sum(), rows, { keepRows: 0 })).kept).toHaveLength(0);
    expect((await calibrate(new Sum(), rows)).kept).toHaveLength(6);
    expect((await calibrate(new Sum(), normals(4000, 1))).kept).toHaveLength(2048);
  });

  it('cuts big batches, without a difference', async () => {
    const model = new Sum();
    const data = normals(2 * 10_000, 6);
    const options: CalibrateOptions = { method: 'movingAverage', momentum: 0.5, keepRows: 5000 };
    const small = data.subarray(0, 20).map((x) => x / 100);
    const cut = await calibrate(model, [data, small], options);
    expect(model.calls).toEqual([4096, 4096, 1808, 10]);
    // By batch: half of the first one's extremes, half of the second one's.
    const extremes = (batch: Float32Array) => [Math.min(...batch), Math.max(...batch)] as const;
    const [min, max] = extremes(data);
    const [smallMin, smallMax] = extremes(small);
    expect(cut.ranges.input).toEqual({
      min: Math.fround(0.5 * min + 0.5 * smallMin),
      max: Math.fround(0.5 * max + 0.5 * smallMax),
    });
    expect(cut.kept).toEqual(data.subarray(0, 10_000));
  });

  it('passes percentile and momentum on', async () => {
    const data = normals(2000, 8);
    const max = async (options: CalibrateOptions) =>
      (await calibrate(new Sum(), data, options)).ranges.input!.max;
    const p60 = await max({ method: 'percentile', percentile: 60 });
    expect(p60).toBeGreaterThan(0.15);
    expect(p60).toBeLessThan(0.35);
    const batches = [Float32Array.of(4, 0), Float32Array.of(8, 0)];
    const last = await calibrate(new Sum(), batches, { method: 'movingAverage', momentum: 0 });
    expect(last.ranges.input).toEqual({ min: 0, max: 8 });
  });

  it('tells its progress in rows', async () => {
    const seen: Progress[] = [];
    await calibrate(new Sum(), [rows, rows.subarray(2)], { onProgress: (p) => seen.push(p) });
    expect(seen).toEqual([
      { step: 'calibrate', done: 3 },
      { step: 'calibrate', done: 5 },
    ]);
  });

  it('leaves out ±Infinity', async () => {
    const c = await calibrate(new Sum(), Float32Array.of(1, Infinity, -2, -Infinity), { method: 'minmax' });
    expect(c.ranges.input).toEqual({ min: -2, max: 1 });
    expect(c.ranges.sum).toEqual({ min: 0, max: 0 });
  });

  it('is plain data: frozen, and it survives a post to a worker', async () => {
    const c = await calibrate(new Sum(), rows);
    expect(Object.isFrozen(c) && Object.isFrozen(c.ranges) && Object.isFrozen(c.ranges.sum)).toBe(true);
    expect(structuredClone(c).kept).toEqual(c.kept);
  });
});

describe('calibrate refuses', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['no rows', [], 'ERR_ARGUMENT', /at least one row but received none/],
    ['empty batches', new Float32Array(0), 'ERR_ARGUMENT', /at least one row/],
    [
      'half a row',
      [rows, rows.subarray(1)],
      'ERR_SHAPE',
      /rows of 2 features but received Float32Array of length 5/,
    ],
    ['doubles', [Float64Array.of(1, 2)], 'ERR_DTYPE', /Float32Array but received Float64Array/],
    ['a batch of doubles', Float64Array.of(1, 2), 'ERR_DTYPE', /received Float64Array of length 2/],
    ['numbers', [1, 2], 'ERR_DTYPE', /received 1$/],
    ['what cannot be iterated', { length: 2 }, 'ERR_ARGUMENT', /iterable/],
    ['a string', 'rows', 'ERR_ARGUMENT', /iterable/],
    ['null', null, 'ERR_ARGUMENT', /iterable of them but received null/],
  ])('%s', async (_, batches, code, message) => {
    await expect(calibrate(new Sum(), batches as Batches)).rejects.toThrow(coded(code, message));
  });

  it('NaN, naming value, row and column', async () => {
    const batches = [rows, Float32Array.of(1, 2, 3, NaN)];
    await expect(calibrate(new Sum(), batches)).rejects.toThrow(
      coded('ERR_NAN_INPUT', /NaN in row 4, column 1 of 'input'/),
    );
    const infinite = Float32Array.of(0, 0, Infinity, -Infinity);
    await expect(calibrate(new Sum(), infinite)).rejects.toThrow(
      coded('ERR_NAN_INPUT', /NaN in row 1, column 0 of 'sum'/),
    );
  });

  it.each<[string, unknown, RegExp]>([
    [
      'an unknown method',
      { method: 'kl' },
      /auto, minmax, movingAverage, percentile, entropy, mse but received 'kl'/,
    ],
    ['a name of Object', { method: 'constructor' }, /one of auto/],
    ['percentile 50', { percentile: 50 }, /\(50, 100\] but received 50/],
    ['percentile 101', { percentile: 101 }, /\(50, 100\]/],
    ['percentile NaN', { percentile: NaN }, /\(50, 100\]/],
    ['percentile by string', { percentile: '99' }, /\(50, 100\]/],
    ['momentum 1', { momentum: 1 }, /\[0, 1\) but received 1/],
    ['momentum −1', { momentum: -1 }, /\[0, 1\)/],
    ['keepRows −1', { keepRows: -1 }, /keepRows/],
    ['keepRows ½', { keepRows: 0.5 }, /keepRows/],
    ['a signal of another kind', { signal: true }, /AbortSignal/],
    ['onProgress of another kind', { onProgress: 1 }, /onProgress/],
    ['options of another kind', 'mse', /options to be an object/],
    ['null', null, /options to be an object/],
  ])('%s', async (_, options, message) => {
    await expect(calibrate(new Sum(), rows, options as CalibrateOptions)).rejects.toThrow(
      coded('ERR_ARGUMENT', message),
    );
  });

  it('a model that cannot be observed', async () => {
    for (const model of [{ inFeatures: 2 }, null]) {
      await expect(calibrate(model as unknown as Calibratable, rows)).rejects.toThrow(
        coded('ERR_MODEL_KIND', /float model/),
      );
    }
  });
});

describe('an abort', () => {
  it('before the start: nothing is read', async () => {
    const model = new Sum();
    const reason = new Error('no');
    await expect(calibrate(model, rows, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(model.calls).toEqual([]);
  });

  it('between batches: the generator is closed', async () => {
    const controller = new AbortController();
    let closed = false;
    function* endless() {
      try {
        for (;;) yield rows;
      } finally {
        closed = true;
      }
    }
    const done: number[] = [];
    const onProgress = (p: Progress) => {
      done.push(p.done);
      if (p.done === 6) controller.abort();
    };
    const job = calibrate(new Sum(), endless(), { signal: controller.signal, onProgress });
    await expect(job).rejects.toMatchObject({ name: 'AbortError' });
    expect(done).toEqual([3, 6]);
    expect(closed).toBe(true);
  });

  it('by a timer, though the batches never wait', async () => {
    function* endless() {
      for (;;) yield rows;
    }
    await expect(calibrate(new Sum(), endless(), { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });
});
