import { getEventListeners } from 'node:events';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { calibrate, MLP, type Model, type QuantizedMLP, quantize, type Rows } from '../../lib/index';
import { type BatchReport, MicroBatcher, type MicroBatcherOptions } from '../../lib/serving';
import { expectError, expectRejection } from '../support/errors';
import { ACTIVATIONS, randomChain } from '../support/models';
import { Seeded } from '../support/random';
import { HeldModel } from './held-model';

const untyped = <T>(value: unknown) => value as T;
const random = new Seeded(211);
const float = new MLP(randomChain(random, [6, 20, 4], ACTIVATIONS['gelu']));
const ROWS = 40;
const rows = random.normals(6 * ROWS);
const row = (i: number) => rows.slice(6 * i, 6 * (i + 1));
const withNaN = () => {
  const bad = row(0);
  bad[3] = Number.NaN;
  return bad;
};
let int8ToUint8: QuantizedMLP;
let uint8ToInt8: QuantizedMLP;
let dynamic: QuantizedMLP;
let weightOnly: QuantizedMLP;

beforeAll(async () => {
  const ranges = await calibrate(float, rows, { method: 'minmax' });
  int8ToUint8 = quantize(float, ranges, { activations: 'symmetric', output: 'uint8' });
  uint8ToInt8 = quantize(float, ranges, { output: 'int8' });
  dynamic = quantize(float, null, { mode: 'dynamic' });
  weightOnly = quantize(float, null, { mode: 'weight-only' });
});

const bytes = (data: Rows) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
const expectBits = (actual: Rows, expected: Rows) => expect(bytes(actual)).toBe(bytes(expected));

/** Batches on threads, and on the event loop. */
const WAYS: [string, MicroBatcherOptions][] = [
  ['on threads', { maxBlockMs: 0 }],
  ['on the event loop', { maxBlockMs: 60_000 }],
];

describe.each(WAYS)('%s', (_, way) => {
  it.each<[string, () => Model]>([
    ['float', () => float],
    ['int8 → uint8', () => int8ToUint8],
    ['uint8 → int8', () => uint8ToInt8],
    ['dynamic', () => dynamic],
    ['weight-only', () => weightOnly],
  ])('the bits of each row alone, every type in and out: %s', async (_, get) => {
    const model = get();
    await using batcher = new MicroBatcher(model, { ...way, maxBatch: 7 });
    const codesOf = ({ dtype }: Model['input'], length: number) =>
      dtype === 'float32' ? undefined : dtype === 'int8' ? random.int8s(length) : random.uint8s(length);
    const calls = Array.from({ length: 60 }, (_, i) => {
      const count = random.integer(0, 3);
      const floats = rows.slice(6 * i, 6 * (i + count)).fill(0.5, 0, i % 3);
      const input = (i % 2 === 0 ? codesOf(model.input, 6 * count) : undefined) ?? floats;
      const outputLength = (input.length / 6) * 4;
      const output = i % 3 === 0 ? codesOf(model.output, outputLength) : undefined;
      return {
        input,
        output,
        expected: model.runSync(input, output?.slice() ?? new Float32Array(outputLength)),
      };
    });
    const results = await Promise.all(
      calls.map(({ input, output }) =>
        output === undefined ? batcher.run(input) : batcher.run(input, { output }),
      ),
    );
    results.forEach((result, i) => {
      expectBits(result, calls[i]!.expected);
      if (calls[i]!.output !== undefined) expect(result).toBe(calls[i]!.output);
    });
    expect(batcher.stats).toMatchObject({ accepted: 60, answered: 60, pending: 0, queued: 0, failed: 0 });
    expect(batcher.stats.batches).toBeLessThan(60);
  });

  it('calls of one turn are one batch', async () => {
    const batches: BatchReport[] = [];
    const batcher = new MicroBatcher(float, { ...way, onBatch: (batch) => batches.push(batch) });
    const results = await Promise.all(Array.from({ length: ROWS }, (_, i) => batcher.run(row(i))));
    results.forEach((result, i) => {
      expectBits(result, float.runSync(row(i)));
    });
    expect(batches).toEqual([
      { rows: ROWS, calls: ROWS, waitMs: expect.any(Number), runMs: expect.any(Number) },
    ]);
    expect(batcher.stats).toMatchObject({ batches: 1, rows: ROWS, running: 0 });
  });

  it('the input is copied before `run` returns', async () => {
    const batcher = new MicroBatcher(float, way);
    const input = row(3);
    const changed = batcher.run(input);
    input.fill(9);
    const other = row(4);
    const transferred = batcher.run(other);
    structuredClone(other.buffer, { transfer: [other.buffer] });
    expectBits(await changed, float.runSync(row(3)));
    expectBits(await transferred, float.runSync(row(4)));
  });

  it('results share no memory', async () => {
    const batcher = new MicroBatcher(float, way);
    const [first, second] = await Promise.all([batcher.run(row(0)), batcher.run(row(1))]);
    expect(first!.buffer.byteLength).toBe(16);
    structuredClone(first, { transfer: [first!.buffer as ArrayBuffer] });
    expectBits(second!, float.runSync(row(1)));
  });

  it('a row with NaN is its caller’s error, and no neighbour’s', async () => {
    const ended: number[] = [];
    const batcher = new MicroBatcher(int8ToUint8, { ...way, onBatch: ({ rows }) => ended.push(rows) });
    const twoRows = rows.slice(0, 12);
    twoRows[8] = Number.NaN;
    const good = Array.from({ length: 9 }, (_, i) => batcher.run(row(i)));
    const bad = [batcher.run(withNaN()), batcher.run(twoRows)];
    const late = batcher.run(row(9));
    await expectRejection(bad[0]!, 'ERR_NAN_INPUT', /row 0, column 3 of 'input'/);
    await expectRejection(bad[1]!, 'ERR_NAN_INPUT', /row 1, column 2 of 'input'/);
    (await Promise.all([...good, late])).forEach((result, i) => {
      expectBits(result, int8ToUint8.runSync(row(i)));
    });
    expect(ended).toEqual([13]);
    expect(batcher.stats).toMatchObject({ answered: 10, failed: 2, pending: 0 });
  });

  it('NaN goes through where the model lets it through', async () => {
    const batcher = new MicroBatcher(float, way);
    const [bad, good] = await Promise.all([batcher.run(withNaN()), batcher.run(row(1))]);
    expect(bad!.every(Number.isNaN)).toBe(true);
    expectBits(good!, float.runSync(row(1)));
  });

  it('an output that was transferred meanwhile is its caller’s error', async () => {
    const batcher = new MicroBatcher(float, way);
    const output = new Float32Array(4);
    const running = batcher.run(row(0), { output });
    const neighbour = batcher.run(row(1));
    structuredClone(output.buffer, { transfer: [output.buffer] });
    await expectRejection(running, 'ERR_SHAPE', /output of length 4 until/);
    expectBits(await neighbour, float.runSync(row(1)));
  });

  it('a disposed model is everybody’s error, and nobody waits for ever', async () => {
    const model = new MLP(float.layers);
    const batcher = new MicroBatcher(model, { ...way, maxBatch: 2 });
    const calls = Array.from({ length: 9 }, (_, i) => batcher.run(row(i)));
    model.dispose();
    const results = await Promise.allSettled(calls);
    for (const [i, result] of results.entries()) {
      if (result.status === 'fulfilled') expectBits(result.value, float.runSync(row(i)));
      else expect(result.reason).toMatchObject({ name: 'RequantError', code: 'ERR_DISPOSED' });
    }
    expect(results.at(-1)!.status).toBe('rejected');
    await batcher.close();
  });
});

describe('arguments', () => {
  it.each<[string, unknown, RegExp]>([
    ['null', null, /object/],
    ['an unknown key', { maxbatch: 5 }, /maxBatch/],
    ['no room in a batch', { maxBatch: 0 }, /maxBatch/],
    ['half a row', { maxQueue: 1.5 }, /maxQueue/],
    ['text', { maxDelayMs: '5' }, /maxDelayMs/],
    ['a negative delay', { maxDelayMs: -1 }, /maxDelayMs/],
    ['an endless delay', { maxDelayMs: Number.POSITIVE_INFINITY }, /maxDelayMs/],
    ['nothing may run', { maxRunning: 0 }, /maxRunning/],
    ['a listener that is none', { onBatch: 5 }, /onBatch/],
  ])('%s as options is ERR_ARGUMENT', (_, options, message) => {
    expectError(() => new MicroBatcher(float, untyped(options)), 'ERR_ARGUMENT', message);
  });

  it('a model that is disposed already is ERR_DISPOSED', () => {
    const model = new MLP(float.layers);
    model.dispose();
    expectError(() => new MicroBatcher(model), 'ERR_DISPOSED');
  });

  it.each<[string, unknown, unknown]>([
    ['part of a row', new Float32Array(7), undefined],
    ['another dtype', new Float64Array(6), undefined],
    ['codes into a float port', new Uint8Array(6), undefined],
    ['nothing', undefined, undefined],
    ['an output too short', new Float32Array(6), { output: new Float32Array(3) }],
    ['an output of another type', new Float32Array(6), { output: new Int8Array(4) }],
    ['null as options', new Float32Array(6), null],
    ['an unknown option', new Float32Array(6), { singal: undefined }],
    ['a signal that is none', new Float32Array(6), { signal: {} }],
    ['a negative timeout', new Float32Array(6), { timeout: -1 }],
  ])('%s rejects that caller as the model would', async (_, input, options) => {
    const batcher = new MicroBatcher(float);
    const neighbours = [batcher.run(row(0))];
    const error = await batcher.run(untyped(input), untyped(options)).catch((error: unknown) => error);
    neighbours.push(batcher.run(row(1)));
    const own = await float.run(untyped(input), untyped(options)).catch((error: unknown) => error);
    expect(error).toMatchObject({
      name: 'RequantError',
      code: untyped<{ code: string }>(own).code,
      message: untyped<Error>(own).message,
    });
    for (const [i, result] of (await Promise.all(neighbours)).entries())
      expectBits(result, float.runSync(row(i)));
    expect(batcher.stats).toMatchObject({ accepted: 2, answered: 2 });
  });
});

describe('while a batch runs', () => {
  let model: HeldModel;
  beforeEach(() => {
    model = new HeldModel(float);
  });
  const make = (options: MicroBatcherOptions = {}) =>
    new MicroBatcher(model, { maxBlockMs: 0, maxDelayMs: 60_000, ...options });
  const sizes = () => model.held.map((run) => run.rows);
  const end = async (batcher: MicroBatcher, calls: Promise<Rows>[]) => {
    let pending = calls.length;
    for (const call of calls) void call.finally(() => pending--).catch(() => {});
    while (pending > 0) {
      model.releaseAll();
      await turn();
    }
    await batcher.close();
  };

  it('a lone call leaves in the next turn', async () => {
    const batcher = make();
    const call = batcher.run(row(0));
    expect(sizes()).toEqual([]);
    await turn();
    expect(sizes()).toEqual([1]);
    await end(batcher, [call]);
  });

  it('the next one fills, and leaves when the first one ends', async () => {
    const batcher = make();
    const calls = [batcher.run(row(0))];
    await turn();
    calls.push(batcher.run(row(1)));
    await turn();
    calls.push(batcher.run(row(2)));
    await turn();
    expect(sizes()).toEqual([1]);
    expect(batcher.stats).toMatchObject({ queued: 2, running: 1, pending: 3 });
    model.releaseAll();
    await turn();
    expect(sizes()).toEqual([2]);
    await end(batcher, calls);
  });

  it('a full one leaves at once, up to maxRunning', async () => {
    const batcher = make({ maxBatch: 3, maxRunning: 2 });
    const calls = Array.from({ length: 10 }, (_, i) => batcher.run(row(i)));
    expect(sizes()).toEqual([3, 3]);
    await sleep(5);
    expect(sizes()).toEqual([3, 3]);
    expect(batcher.stats.queued).toBe(4);
    model.held.shift()!.release();
    await turn();
    expect(sizes()).toEqual([3, 3]);
    await end(batcher, calls);
  });

  it('one that has waited maxDelayMs leaves beside it', async () => {
    const batcher = make({ maxDelayMs: 3 });
    const calls = [batcher.run(row(0))];
    await turn();
    calls.push(batcher.run(row(1)), batcher.run(row(2)));
    expect(sizes()).toEqual([1]);
    while (model.held.length < 2) await sleep(1);
    expect(sizes()).toEqual([1, 2]);
    await end(batcher, calls);
  });

  it('calls of several rows stay whole, and the larger than a batch go alone', async () => {
    const batcher = make({ maxBatch: 4, maxRunning: 9 });
    const counts = [2, 1, 2, 9, 4, 1];
    const calls = counts.map((count) => batcher.run(rows.slice(0, 6 * count)));
    await turn();
    await turn();
    await end(batcher, calls.slice());
    expect(batcher.stats).toMatchObject({ rows: 19 });
    for (const [i, call] of calls.entries())
      expectBits(await call, float.runSync(rows.slice(0, 6 * counts[i]!)));
  });

  it('a full queue is ERR_QUEUE_FULL; rows that run or have left do not count', async () => {
    const batcher = make({ maxQueue: 3, maxRunning: 1 });
    const calls = [batcher.run(row(0))];
    await turn();
    const controller = new AbortController();
    calls.push(batcher.run(row(1)), batcher.run(row(2)));
    const leaving = batcher.run(row(3), { signal: controller.signal });
    await expectRejection(batcher.run(row(4)), 'ERR_QUEUE_FULL', /at most 3 waiting rows/);
    await expectRejection(batcher.run(new Float32Array(0)), 'ERR_QUEUE_FULL');
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ name: 'AbortError' });
    calls.push(batcher.run(row(4)));
    await expectRejection(batcher.run(rows.slice(0, 24)), 'ERR_LIMIT', /at most 3 rows/);
    expect(batcher.stats).toMatchObject({ queued: 3, refused: 2, aborted: 1, accepted: 5 });
    await end(batcher, calls);
    for (const [i, call] of calls.entries()) expectBits(await call, float.runSync(row([0, 1, 2, 4][i]!)));
  });

  it('an error of the run is everybody’s, each with an error of his own', async () => {
    const batcher = make();
    const calls = [batcher.run(row(0)), batcher.run(row(1))];
    await turn();
    model.held.shift()!.fail(new Error('out of order'));
    for (const call of calls) await expect(call).rejects.toThrow('out of order');
    const again = [batcher.run(row(0)), batcher.run(row(1))];
    await turn();
    const dead = new MLP(float.layers);
    dead.dispose();
    model.held.shift()!.fail(await dead.run(row(0)).catch((error: unknown) => error));
    const [first, second] = await Promise.all(again.map((call) => call.catch((error: unknown) => error)));
    expect(first).toMatchObject({ code: 'ERR_DISPOSED' });
    expect(second).toMatchObject({ code: 'ERR_DISPOSED' });
    expect(first).not.toBe(second);
    await end(batcher, [batcher.run(row(2))]);
  });

  it('onBatch may throw: the batcher goes on', async () => {
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const uncaught: unknown[] = [];
    process.on('uncaughtException', (error) => uncaught.push(error));
    try {
      const batcher = new MicroBatcher(float, {
        onBatch: () => {
          throw new Error('of the listener');
        },
      });
      expectBits(await batcher.run(row(0)), float.runSync(row(0)));
      expectBits(await batcher.run(row(1)), float.runSync(row(1)));
      await batcher.close();
      await turn();
      expect(uncaught).toEqual([new Error('of the listener'), new Error('of the listener')]);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
  });

  it('a row with NaN whose caller has left fails nobody', async () => {
    model = new HeldModel(int8ToUint8);
    const batcher = make();
    const controller = new AbortController();
    const leaving = batcher.run(withNaN(), { signal: controller.signal });
    const neighbour = batcher.run(row(1));
    await turn();
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ name: 'AbortError' });
    await end(batcher, [neighbour]);
    expectBits(await neighbour, int8ToUint8.runSync(row(1)));
  });

  describe('a caller leaves', () => {
    const reason = new Error('no more');

    it('before the call', async () => {
      const batcher = make();
      await expect(batcher.run(row(0), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(batcher.stats.accepted).toBe(0);
    });

    it('while it waits: its row is not run', async () => {
      const batcher = make();
      const controller = new AbortController();
      const calls = [0, 1, 2].map((i) => batcher.run(row(i), i === 1 ? { signal: controller.signal } : {}));
      controller.abort(reason);
      await expect(calls[1]).rejects.toBe(reason);
      await turn();
      expect(sizes()).toEqual([2]);
      await end(batcher, [calls[0]!, calls[2]!]);
      expectBits(await calls[2]!, float.runSync(row(2)));
    });

    it('while it runs: at once, its output untouched, its neighbours answered', async () => {
      const batcher = make();
      const controller = new AbortController();
      const output = new Float32Array(4).fill(7);
      const leaving = batcher.run(row(0), { signal: controller.signal, output });
      const neighbour = batcher.run(row(1));
      await turn();
      controller.abort(reason);
      await expect(leaving).rejects.toBe(reason);
      expect(model.held[0]!.signal?.aborted).not.toBe(true);
      await end(batcher, [neighbour]);
      expect([...output]).toEqual([7, 7, 7, 7]);
      expectBits(await neighbour, float.runSync(row(1)));
      expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    });

    it('the last one of a batch: the run is cancelled', async () => {
      const batcher = make();
      const controllers = [new AbortController(), new AbortController()];
      const calls = controllers.map(({ signal }, i) => batcher.run(row(i), { signal }));
      await turn();
      for (const [i, controller] of controllers.entries()) {
        expect(model.held[0]!.signal!.aborted).toBe(false);
        controller.abort(reason);
        await expect(calls[i]).rejects.toBe(reason);
      }
      expect(model.held[0]!.signal!.aborted).toBe(true);
      await batcher.close();
      expect(batcher.stats).toMatchObject({ aborted: 2, pending: 0, running: 0 });
    });

    it('by timeout, waiting or running', async () => {
      const batcher = make();
      const calls = [batcher.run(row(0), { timeout: 2 })];
      await turn();
      calls.push(batcher.run(row(1), { timeout: 2 }));
      const patient = batcher.run(row(2), { timeout: Number.MAX_SAFE_INTEGER });
      for (const call of calls) await expectRejection(call, 'ERR_TIMEOUT', /2 ms/);
      await end(batcher, [patient]);
      expectBits(await patient, float.runSync(row(2)));
      expect(batcher.stats).toMatchObject({ timedOut: 2, answered: 1 });
    });

    it('and leaves no listener when answered', async () => {
      const batcher = new MicroBatcher(float);
      const { signal } = new AbortController();
      await batcher.run(row(0), { signal, timeout: 60_000 });
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    });
  });

  describe('close', () => {
    it('answers what was accepted, and nothing that comes later', async () => {
      const batcher = make({ maxBatch: 2, maxRunning: 1 });
      const calls = Array.from({ length: 5 }, (_, i) => batcher.run(row(i)));
      let closed = false;
      const closing = batcher.close().then(() => {
        closed = true;
      });
      await expectRejection(batcher.run(row(0)), 'ERR_CLOSED');
      await turn();
      expect(closed).toBe(false);
      await end(batcher, calls.slice());
      await closing;
      for (const [i, call] of calls.entries()) expectBits(await call, float.runSync(row(i)));
      expect(batcher.close()).toBe(batcher.close());
    });

    it('does not wait for a batch to fill', async () => {
      const batcher = make();
      const calls = [batcher.run(row(0))];
      await turn();
      calls.push(batcher.run(row(1)));
      const closing = batcher.close();
      expect(sizes()).toEqual([1, 1]);
      model.releaseAll();
      await closing;
      await Promise.all(calls);
    });

    it('of an idle batcher is done at once; `await using` closes too', async () => {
      await make().close();
      let used: MicroBatcher;
      {
        await using inner = new MicroBatcher(float);
        used = inner;
        void used.run(row(0));
      }
      expect(used.stats).toMatchObject({ answered: 1, pending: 0 });
      await expectRejection(used.run(row(0)), 'ERR_CLOSED');
    });

    it('ends too where the last callers leave', async () => {
      const batcher = make();
      const controller = new AbortController();
      const call = batcher.run(row(0), { signal: controller.signal });
      await turn();
      const waiting = batcher.run(row(1), { signal: controller.signal });
      const closing = batcher.close();
      controller.abort(new Error('gone'));
      await expect(call).rejects.toThrow('gone');
      await expect(waiting).rejects.toThrow('gone');
      await closing;
    });
  });
});
