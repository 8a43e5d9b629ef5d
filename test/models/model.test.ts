import { getEventListeners } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  calibrate,
  linear,
  load,
  MLP,
  type QuantizedMLP,
  quantize,
  type Rows,
  type RunOptions,
} from '../../lib/index';
import { expectError, expectRejection } from '../support/errors';
import { ACTIVATIONS, randomChain } from '../support/models';
import { Seeded } from '../support/random';

/** What MLP and QuantizedMLP share: runs, ports, metadata, saving, the end. */

const untyped = <T>(value: unknown) => value as T;
const random = new Seeded(101);
const float = new MLP(randomChain(random, [6, 20, 4], ACTIVATIONS['gelu']));
const rows = random.normals(6 * 150);
/** int8 in, uint8 out of a symmetric model; uint8 in, int8 out of an asymmetric one. */
let int8ToUint8: QuantizedMLP;
let uint8ToInt8: QuantizedMLP;
/** Long enough to be interrupted. */
const slow = new MLP([
  linear({ inFeatures: 1500, outFeatures: 1500 }),
  linear({ inFeatures: 1500, outFeatures: 1500 }),
]);
const slowRows = new Float32Array(1500 * 3000);

beforeAll(async () => {
  const ranges = await calibrate(float, rows, { method: 'minmax' });
  int8ToUint8 = quantize(float, ranges, { activations: 'symmetric', output: 'uint8' });
  uint8ToInt8 = quantize(float, ranges, { output: 'int8' });
  slow.runSync(slowRows.subarray(0, 1500));
});

describe('codes at the ports', () => {
  const byHand = (real: Float32Array, port: QuantizedMLP['input']) => {
    const array = port.dtype === 'int8' ? new Int8Array(real.length) : new Uint8Array(real.length);
    const [low, high] = port.dtype === 'int8' ? [-128, 127] : [0, 255];
    real.forEach((x, i) => {
      const steps = Math.fround(x / port.scale![0]!);
      // Ties do not happen in this data.
      array[i] = Math.min(Math.max(Math.round(steps) + port.zeroPoint!, low), high);
    });
    return array;
  };
  const toReal = (codes: Int8Array | Uint8Array, port: QuantizedMLP['output']) =>
    Float32Array.from(codes, (q) => Math.fround(port.scale![0]! * (q - port.zeroPoint!)));

  it.each([
    ['int8 → uint8', () => int8ToUint8, new Uint8Array(4 * 150)],
    ['uint8 → int8', () => uint8ToInt8, new Int8Array(4 * 150)],
  ])('%s equal quantizing and dequantizing by hand', async (_, get, output) => {
    const model = get();
    const codes = byHand(rows, model.input);
    const fromCodes = model.runSync(codes, output.slice());
    expect(fromCodes).toEqual(model.runSync(rows, output.slice()));
    expect(model.runSync(codes)).toEqual(toReal(fromCodes, model.output));
    expect(model.runSync(rows)).toEqual(toReal(fromCodes, model.output));
    expect(await model.run(codes, { output: output.slice() })).toEqual(fromCodes);
    expect(await model.run(codes)).toEqual(model.runSync(rows));
  });

  it('ports say what they take', () => {
    expect(int8ToUint8.input).toEqual({
      features: 6,
      dtype: 'int8',
      scale: expect.any(Float32Array),
      zeroPoint: 0,
    });
    expect(int8ToUint8.output).toMatchObject({ features: 4, dtype: 'uint8' });
    expect(uint8ToInt8.input.dtype).toBe('uint8');
    expect(uint8ToInt8.output.dtype).toBe('int8');
    expect(Object.isFrozen(uint8ToInt8.input)).toBe(true);
  });

  it('a port’s scale is a copy', () => {
    const before = int8ToUint8.runSync(rows);
    const kept = int8ToUint8.input.scale![0]!;
    int8ToUint8.input.scale!.fill(1);
    expect(int8ToUint8.runSync(rows)).toEqual(before);
    int8ToUint8.input.scale!.fill(kept);
  });

  it('a Buffer is a Uint8Array', async () => {
    const output = Buffer.alloc(4 * 150);
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    expect(await int8ToUint8.run(rows, { output })).toBe(output);
    await turn();
    process.off('warning', onWarning);
    expect([...output]).toEqual([...int8ToUint8.runSync(rows, new Uint8Array(4 * 150))]);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['float64 in', () => float.runSync(untyped(new Float64Array(6)))],
    ['a list in', () => float.runSync(untyped([1, 2, 3, 4, 5, 6]))],
    ['nothing in', () => float.runSync(untyped(undefined))],
    ['codes into a float port', () => float.runSync(new Uint8Array(6))],
    ['uint8 into an int8 port', () => int8ToUint8.runSync(new Uint8Array(6))],
    ['int8 into a uint8 port', () => uint8ToInt8.runSync(new Int8Array(6))],
    ['clamped bytes', () => uint8ToInt8.runSync(untyped(new Uint8ClampedArray(6)))],
    ['codes out of a float port', () => float.runSync(new Float32Array(6), new Int8Array(4))],
    ['int8 out of a uint8 port', () => int8ToUint8.runSync(new Float32Array(6), new Int8Array(4))],
    ['int32 out', () => float.runSync(new Float32Array(6), untyped<Float32Array>(new Int32Array(4)))],
    ['null out', () => float.runSync(new Float32Array(6), untyped<Float32Array>(null))],
  ])('%s is ERR_DTYPE', (_, action) => {
    expectError(action, 'ERR_DTYPE');
  });
});

describe('runSync', () => {
  it('fills and returns the output it is given', () => {
    const output = new Float32Array(4 * 150);
    expect(float.runSync(rows, output)).toBe(output);
    expect(output).toEqual(float.runSync(rows));
  });

  it('takes no rows', () => {
    expect(float.runSync(new Float32Array(0))).toEqual(new Float32Array(0));
    expect(int8ToUint8.runSync(new Int8Array(0), new Uint8Array(0))).toEqual(new Uint8Array(0));
  });

  it('takes views that are not aligned to anything but their elements', () => {
    const buffer = new ArrayBuffer(4 * rows.length + 4);
    const shifted = new Float32Array(buffer, 4);
    shifted.set(rows);
    expect(float.runSync(shifted)).toEqual(float.runSync(rows));
    const codes = new Int8Array(buffer, 3, 12);
    expect(int8ToUint8.runSync(codes)).toEqual(int8ToUint8.runSync(codes.slice()));
  });

  it.each([
    ['part of a row', () => float.runSync(new Float32Array(7)), /6 features/],
    ['an output too short', () => float.runSync(new Float32Array(6), new Float32Array(3)), /length 4/],
    ['an output too long', () => float.runSync(new Float32Array(6), new Float32Array(8)), /length 4/],
    ['an output for no rows', () => float.runSync(new Float32Array(0), new Float32Array(4)), /length 0/],
  ])('%s is ERR_SHAPE', (_, action, message) => {
    expectError(action, 'ERR_SHAPE', message);
  });

  it('refuses an output that overlaps the input', () => {
    const memory = new Float32Array(20);
    const message = /does not overlap/;
    expectError(() => float.runSync(memory.subarray(0, 12), memory.subarray(8, 16)), 'ERR_ARGUMENT', message);
    expectError(() => float.runSync(memory.subarray(4, 10), memory.subarray(1, 5)), 'ERR_ARGUMENT', message);
    float.runSync(memory.subarray(0, 12), memory.subarray(12, 20));
    float.runSync(memory.subarray(8, 20), memory.subarray(0, 8));
  });

  it('NaN into an integer stage: an error with its place, or zero', async () => {
    const ranges = await calibrate(float, rows, { method: 'minmax' });
    const x = rows.slice();
    x[6 * 120 + 2] = Number.NaN;
    const zero = rows.slice();
    zero[6 * 120 + 2] = 0;
    for (const mode of ['static', 'dynamic'] as const) {
      using strict = quantize(float, ranges, { mode });
      using lenient = quantize(float, ranges, { mode, onNaN: 'zero' });
      expectError(() => strict.runSync(x), 'ERR_NAN_INPUT', /row 120, column 2 of 'input'/);
      await expectRejection(strict.run(x), 'ERR_NAN_INPUT', /row 120, column 2/);
      expect(lenient.runSync(x)).toEqual(lenient.runSync(zero));
    }
  });
});

describe('run', () => {
  it('equals runSync, in a new array or the one given', async () => {
    expect(await float.run(rows)).toEqual(float.runSync(rows));
    const output = new Float32Array(4 * 150);
    expect(await float.run(rows, { output })).toBe(output);
    expect(output).toEqual(float.runSync(rows));
    expect(await float.run(new Float32Array(0))).toEqual(new Float32Array(0));
  });

  it('does not block the event loop', async () => {
    let turns = 0;
    const running = slow.run(slowRows).then(() => 'done');
    while ((await Promise.race([running, turn('turn')])) === 'turn') turns++;
    expect(turns).toBeGreaterThan(10);
  });

  it('copies its input before it returns: it may change, or leave for another thread', async () => {
    const input = rows.slice();
    const changed = float.run(input);
    input.fill(9);
    expect(await changed).toEqual(float.runSync(rows));
    const other = rows.slice();
    const transferred = float.run(other);
    structuredClone(other.buffer, { transfer: [other.buffer] });
    expect(other.length).toBe(0);
    expect(await transferred).toEqual(float.runSync(rows));
  });

  it('200 at once', async () => {
    const inputs = Array.from({ length: 200 }, (_, i) =>
      rows.slice(6 * (i % 50), 6 * ((i % 50) + 1 + (i % 7))),
    );
    const outputs = await Promise.all(inputs.map((input, i) => (i % 2 ? float : uint8ToInt8).run(input)));
    outputs.forEach((output, i) => {
      expect(output).toEqual((i % 2 ? float : uint8ToInt8).runSync(inputs[i]!));
    });
  });

  it('refuses as runSync does, by rejecting', async () => {
    await expectRejection(float.run(new Float32Array(7)), 'ERR_SHAPE');
    await expectRejection(float.run(new Uint8Array(6)), 'ERR_DTYPE');
    await expectRejection(float.run(new Float32Array(6), { output: new Float32Array(5) }), 'ERR_SHAPE');
    await expectRejection(float.run(new Float32Array(6), { output: new Int8Array(4) }), 'ERR_DTYPE');
  });

  it.each([
    ['null', null],
    ['an unknown key', { singal: undefined }],
    ['a signal that is none', { signal: {} }],
    ['null as signal', { signal: null }],
    ['text as timeout', { timeout: '5' }],
    ['NaN as timeout', { timeout: Number.NaN }],
    ['a negative timeout', { timeout: -1 }],
  ])('refuses %s as options', async (_, options) => {
    await expectRejection(float.run(rows, untyped<RunOptions>(options)), 'ERR_ARGUMENT');
  });

  it('an output that has been transferred meanwhile is an error, not a crash', async () => {
    const output = new Float32Array(4 * 150);
    const running = float.run(rows, { output });
    structuredClone(output.buffer, { transfer: [output.buffer] });
    await expectRejection(running, 'ERR_SHAPE', /output/);
  });

  describe('abort', () => {
    const reason = new Error('no more');

    it('before the call', async () => {
      await expect(float.run(rows, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      await expect(float.run(rows, { signal: AbortSignal.abort('text') })).rejects.toBe('text');
    });

    it('after the start', async () => {
      const controller = new AbortController();
      const running = slow.run(slowRows, { signal: controller.signal });
      await turn();
      controller.abort(reason);
      await expect(running).rejects.toBe(reason);
    });

    it('without a reason is an AbortError', async () => {
      const controller = new AbortController();
      const running = slow.run(slowRows, { signal: controller.signal });
      controller.abort();
      await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    });

    it('leaves the output as it was, and the model as good as before', async () => {
      const output = new Float32Array(1500 * 3000).fill(7);
      const controller = new AbortController();
      const running = slow.run(slowRows, { signal: controller.signal, output });
      controller.abort(reason);
      await expect(running).rejects.toBe(reason);
      expect(output.every((v) => v === 7)).toBe(true);
      expect(await slow.run(slowRows.subarray(0, 1500))).toEqual(slow.runSync(slowRows.subarray(0, 1500)));
    });

    it('after the end does nothing, and leaves no listener', async () => {
      const controller = new AbortController();
      const result = await float.run(rows, { signal: controller.signal });
      expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
      controller.abort(reason);
      expect(result).toEqual(float.runSync(rows));
    });
  });

  describe('timeout', () => {
    it('is ERR_TIMEOUT', async () => {
      await expectRejection(slow.run(slowRows, { timeout: 3 }), 'ERR_TIMEOUT', /3 ms/);
      await expectRejection(slow.run(slowRows, { timeout: 0 }), 'ERR_TIMEOUT');
    });

    it.each([60_000, 2 ** 31, Number.MAX_SAFE_INTEGER])('of %d ms is long enough', async (timeout) => {
      expect(await float.run(rows, { timeout })).toEqual(float.runSync(rows));
      expect(await slow.run(slowRows.subarray(0, 1500 * 200), { timeout })).toHaveLength(1500 * 200);
    });
  });

  it('maxQueue bounds what is pending', async () => {
    using model = new MLP(float.layers, { maxQueue: 3 });
    const first = [model.run(rows), model.run(rows), model.run(rows)];
    await expectRejection(model.run(rows), 'ERR_QUEUE_FULL', /at most 3/);
    expect(await Promise.all(first)).toHaveLength(3);
    await expectRejection(model.run(new Float32Array(7)), 'ERR_SHAPE');
    await expect(model.run(rows, { signal: AbortSignal.abort(new Error('x')) })).rejects.toThrow('x');
    expect(await Promise.all([model.run(rows), model.run(rows), model.run(rows)])).toHaveLength(3);
  });
});

describe('dispose', () => {
  const make = () => new MLP(float.layers);

  it('ends every later run, once and for all', async () => {
    const model = make();
    model.runSync(rows);
    model.dispose();
    model.dispose();
    model[Symbol.dispose]();
    expectError(() => model.runSync(rows), 'ERR_DISPOSED');
    await expectRejection(model.run(rows), 'ERR_DISPOSED');
  });

  it('before the first run too, and by `using`', () => {
    const model = make();
    model.dispose();
    expectError(() => model.runSync(rows), 'ERR_DISPOSED');
    let used: MLP;
    {
      using inner = make();
      used = inner;
      used.runSync(rows);
    }
    expectError(() => used.runSync(rows), 'ERR_DISPOSED');
  });

  it('lets runs that have started end', async () => {
    const model = make();
    const running = Array.from({ length: 20 }, () => model.run(rows));
    model.dispose();
    const expected = float.runSync(rows);
    for (const result of await Promise.all(running)) expect(result).toEqual(expected);
  });

  it('keeps the description', () => {
    const model = make();
    model.dispose();
    expect(model.inFeatures).toBe(6);
    expect(model.stages).toHaveLength(3);
  });
});

describe('save', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'requant-model-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ['float', () => float],
    ['uint8 → int8', () => uint8ToInt8],
    ['int8 → uint8', () => int8ToUint8],
  ])('and load again, by path, file URL and bytes: %s', async (name, get) => {
    const model = get();
    const file = path.join(folder, `${name}.anything`);
    await model.save(file);
    await model.save(pathToFileURL(`${file}.url`));
    const bytes = model.toBytes();
    expect(new Uint8Array(await readFile(file))).toEqual(bytes);
    for (const source of [file, pathToFileURL(`${file}.url`), bytes, Buffer.from(bytes)]) {
      using again = await load(source);
      expect(again.kind).toBe(model.kind);
      expect(again.toBytes()).toEqual(bytes);
      expect(again.runSync(rows)).toEqual(model.runSync(rows));
      expect(again.stages).toEqual(model.stages);
      expect([again.input, again.output]).toEqual([model.input, model.output]);
    }
    expect((await readdir(folder)).filter((entry) => entry.endsWith('.tmp'))).toEqual([]);
  });

  it('toBytes is deterministic', () => {
    expect(float.toBytes()).toEqual(float.toBytes());
    expect(new MLP(float.layers).toBytes()).toEqual(float.toBytes());
  });

  it('into a missing folder is ERR_IO, and leaves nothing', async () => {
    await expectRejection(float.save(path.join(folder, 'missing', 'x')), 'ERR_IO', /missing/);
    await expectRejection(float.save(folder), 'ERR_IO');
    await expectRejection(float.save(new URL('https://example.com/x')), 'ERR_ARGUMENT');
  });

  it('keeps the user’s metadata, also over the next save', async () => {
    const metadata = {
      owner: 'me',
      ['__proto__']: 'a key',
      constructor: 'another',
      ключ: 'значение 😀',
      empty: '',
    };
    using once = await load(float.toBytes({ metadata }));
    expect(Object.entries(once.metadata).sort()).toEqual(Object.entries(metadata).sort());
    expect(Object.isFrozen(once.metadata)).toBe(true);
    using twice = await load(once.toBytes({ metadata: { owner: 'you', more: '1' } }));
    expect(Object.entries(twice.metadata).sort()).toEqual(
      Object.entries({ ...metadata, owner: 'you', more: '1' }).sort(),
    );
    expect(twice.metadata['toString']).toBeUndefined();
  });

  it('quantize carries metadata over', async () => {
    using model = (await load(float.toBytes({ metadata: { owner: 'me' } }))) as MLP;
    using quantized = quantize(model, null, { mode: 'dynamic' });
    expect(quantized.metadata).toEqual({ owner: 'me' });
  });

  it.each([
    ['format', { metadata: { format: 'pt' } }],
    ['requant', { metadata: { requant: '{}' } }],
    ['a number', { metadata: { a: 1 } }],
    ['half a character', { metadata: { a: '\ud800' } }],
    ['a list', { metadata: ['a'] }],
    ['text', { metadata: 'abc' }],
    ['an unknown option', { meta: {} }],
    ['null', null],
  ])('refuses %s', async (_, options) => {
    expectError(() => float.toBytes(untyped(options)), 'ERR_ARGUMENT');
    await expectRejection(float.save(path.join(folder, 'refused'), untyped(options)), 'ERR_ARGUMENT');
  });
});

it('Rows is the type of either', () => {
  const run = (x: Rows) => float.runSync(x);
  expect(run(rows)).toBeInstanceOf(Float32Array);
});
