import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RequantError } from '../../lib/errors';
import {
  encodeNpy,
  MAX_NPY_FEATURES,
  MAX_NPY_HEADER_BYTES,
  openNpy,
  parseNpyHeader,
  readNpyLabels,
} from '../../lib/formats/npy';
import { expectCode, expectRejects, mutate, prng } from './support';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'requant-npy-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function save(bytes: Uint8Array): Promise<string> {
  const path = join(folder, `${files++}.npy`);
  await writeFile(path, bytes);
  return path;
}

/** A file with any header text. */
function npy(dict: string, data: ArrayBufferView | number = 0, version = 1): Uint8Array {
  const text = Buffer.from(dict, 'latin1');
  const prefix = Buffer.alloc(version === 1 ? 10 : 12);
  prefix.write('\x93NUMPY', 'latin1');
  prefix[6] = version;
  if (version === 1) prefix.writeUInt16LE(text.length, 8);
  else prefix.writeUInt32LE(text.length, 8);
  const body =
    typeof data === 'number'
      ? Buffer.alloc(data)
      : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([prefix, text, body]);
}

const dict = (descr: string, shape: string) =>
  `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }\n`;

async function readAll(path: string, batchRows?: number): Promise<{ values: number[]; lengths: number[] }> {
  const rows = await openNpy(path);
  const values: number[] = [];
  const lengths: number[] = [];
  for await (const batch of rows.batches(batchRows)) {
    for (const value of batch) values.push(value);
    lengths.push(batch.length);
  }
  await rows.close();
  return { values, lengths };
}

describe('parseNpyHeader', () => {
  it.each([1, 2, 3])('reads version %i', (version) => {
    const bytes = npy(dict('<f4', '(3, 4)'), 48, version);
    expect(parseNpyHeader(bytes)).toEqual({
      dtype: 'float32',
      elementBytes: 4,
      shape: [3, 4],
      dataStart: bytes.length - 48,
      dataBytes: 48,
    });
  });

  it.each([
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (), }", []],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (7,)}", [7]],
    ["  { 'shape' : ( 1 , 2 , ) , 'fortran_order' : False , 'descr' : '<f4' }  \n", [1, 2]],
    ['{"descr":"<f4","fortran_order":False,"shape":(0,5)}', [0, 5]],
  ])('reads %s', (text, shape) => {
    expect(parseNpyHeader(npy(text)).shape).toEqual(shape);
  });

  it.each([
    '',
    '{}',
    '[]',
    "{'descr': '<f4', 'fortran_order': False}",
    "{'descr': '<f4', 'shape': (1,)}",
    "{'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': 1}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1.5,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (01,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1_0,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,,2)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (9007199254740992,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': True}",
    "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
    "{'descr': '<f4', 'fortran_order': 'False', 'shape': (1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': True}",
    "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + 1",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)",
    "{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': \"<f4', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': (1,), 'fortran_order': False, 'shape': (1,)}",
    "{'descr': __import__('os').getcwd(), 'fortran_order': False, 'shape': (1,)}",
    "{,'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
  ])('refuses %s', (text) => {
    expectCode('ERR_FORMAT', () => parseNpyHeader(npy(text, 8)));
  });

  it.each(['>f4', '<f2', '<c8', '|b1', '|S3', '<U4', '|O', '<u4', '=f4', 'constructor', ''])(
    'refuses the dtype %j',
    (descr) => {
      expectCode('ERR_DTYPE', () => parseNpyHeader(npy(dict(descr, '(1,)'))));
    },
  );

  it('refuses structured dtypes, Fortran order and other versions', () => {
    const structured = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }";
    expectCode('ERR_DTYPE', () => parseNpyHeader(npy(structured)));
    const fortran = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }";
    expectCode('ERR_UNSUPPORTED', () => parseNpyHeader(npy(fortran)));
    expectCode('ERR_VERSION', () => parseNpyHeader(npy(dict('<f4', '(1,)'), 0, 4)));
    const minor = npy(dict('<f4', '(1,)'));
    minor[7] = 1;
    expectCode('ERR_VERSION', () => parseNpyHeader(minor));
    expectCode('ERR_FORMAT', () => parseNpyHeader(Buffer.from('\x93NUMPX\x01\x00', 'latin1')));
  });

  it('refuses each truncation', () => {
    for (const version of [1, 2]) {
      const bytes = npy(dict('<f4', '(1,)'), 0, version);
      for (let length = 0; length < bytes.length; length++) {
        expectCode('ERR_FORMAT', () => parseNpyHeader(bytes.subarray(0, length)));
      }
    }
  });

  it('limits the header, and never hangs within it', () => {
    const padded = (length: number) => npy(dict('<f4', '(1,)').padEnd(length), 0, 2);
    parseNpyHeader(padded(MAX_NPY_HEADER_BYTES));
    expectCode('ERR_LIMIT', () => parseNpyHeader(padded(MAX_NPY_HEADER_BYTES + 1)));
    for (const filler of [' ', '(', '[', '1', ',', "'", '"', '1,', "':'", ' 1']) {
      for (const before of ['', "{'descr': ", "{'shape': (1,2", "{'shape': (1,2 "]) {
        const text = before + filler.repeat(Math.floor(60_000 / filler.length));
        expect(() => parseNpyHeader(npy(text, 0, 2))).toThrow(RequantError);
        expect(() => parseNpyHeader(npy(`${text}x`, 0, 2))).toThrow(RequantError);
      }
    }
  });

  it('survives 100000 mutated headers', () => {
    const random = prng(7);
    const encode = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
    const bases = [
      npy(dict('<f4', '(3, 4)'), 4),
      npy(dict('|u1', '(10,)'), 4, 2),
      npy('{"descr":"<i8","fortran_order":False,"shape":()}', 8, 3),
      npy("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2), }", 32),
    ].map((bytes) => new Uint8Array(bytes));
    const tokens = [
      ...[
        "'",
        '"',
        '{',
        '}',
        '(',
        ')',
        '[',
        ',',
        ':',
        'True',
        'False',
        "'<f8'",
        "'>f4'",
        "'descr'",
        "'shape': (1,),",
      ],
      ...['9007199254740993', '4294967296, 4294967296', '-1', '\\', ' ', '\x93NUMPY', '()'],
    ].map(encode);
    const codes = new Map<string, number>();
    for (let i = 0; i < 100_000; i++) {
      const bytes = mutate(bases[i % bases.length]!, random, tokens);
      let outcome = 'valid';
      try {
        const { shape, elementBytes, dataStart, dataBytes } = parseNpyHeader(bytes);
        const wanted = shape.reduce((product, size) => product * size, elementBytes);
        if (dataBytes !== wanted || dataStart > bytes.length) throw new Error('inconsistent header');
      } catch (error) {
        if (!(error instanceof RequantError)) throw error;
        outcome = error.code;
      }
      codes.set(outcome, (codes.get(outcome) ?? 0) + 1);
    }
    console.log(`npy mutations: ${JSON.stringify(Object.fromEntries(codes))}`);
    const reached = ['ERR_DTYPE', 'ERR_FORMAT', 'ERR_LIMIT', 'ERR_UNSUPPORTED', 'ERR_VERSION', 'valid'];
    expect([...codes.keys()].sort()).toEqual(reached);
  });
});

describe('encodeNpy', () => {
  it('writes what NumPy writes', () => {
    const bytes = encodeNpy(Float32Array.of(1, 2), [2, 1]);
    const header = Buffer.from(bytes.subarray(0, 128)).toString('latin1');
    const wanted = `\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }`;
    expect(header).toBe(`${wanted.padEnd(127)}\n`);
    expect([...new Float32Array(bytes.buffer, 128)]).toEqual([1, 2]);
  });

  it('round-trips through the parser', () => {
    const arrays = fc.oneof(fc.float32Array(), fc.uint8Array(), fc.int32Array());
    fc.assert(
      fc.property(arrays, fc.boolean(), (data, column) => {
        const shape = column ? [data.length, 1] : [data.length];
        const bytes = encodeNpy(data, shape);
        const header = parseNpyHeader(bytes);
        expect(header.shape).toEqual(shape);
        expect(header.dataStart % 64).toBe(0);
        expect(header.dataBytes).toBe(data.byteLength);
        expect(bytes.length).toBe(header.dataStart + data.byteLength);
        const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
        expect(Buffer.compare(bytes.subarray(header.dataStart), body)).toBe(0);
      }),
    );
  });

  it('refuses another shape', () => {
    expectCode('ERR_SHAPE', () => encodeNpy(new Uint8Array(3), [2]));
    expectCode('ERR_SHAPE', () => encodeNpy(new Uint8Array(1), [-1, -1]));
    expectCode('ERR_SHAPE', () => encodeNpy(new Uint8Array(1), [0.5, 2]));
    expectCode('ERR_LIMIT', () => encodeNpy(new Uint8Array(1), new Array(40_000).fill(1)));
  });
});

describe('openNpy', () => {
  it('streams the rows for every batch size', async () => {
    const data = Float32Array.from({ length: 21 }, (_, i) => i - 0.5);
    const path = await save(encodeNpy(data, [7, 3]));
    for (const batchRows of [1, 2, 3, 7, 8, Number.MAX_SAFE_INTEGER]) {
      const { values, lengths } = await readAll(path, batchRows);
      expect(values).toEqual([...data]);
      const step = 3 * Math.min(batchRows, 7);
      for (const length of lengths.slice(0, -1)) expect(length).toBe(step);
    }
  });

  it('converts float64 and uint8, and reads 1-D as one column', async () => {
    const doubles = Float64Array.of(0.1, -1e300, Number.NaN, 2 ** -149, 16_777_217, -0);
    const path = await save(npy(dict('<f8', '(2, 3)'), doubles));
    expect((await readAll(path)).values).toEqual([...Float32Array.from(doubles)]);
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const flat = await save(encodeNpy(bytes, [256]));
    const rows = await openNpy(flat);
    expect([rows.rows, rows.features, rows.dtype]).toEqual([256, 1, 'uint8']);
    await rows.close();
    expect((await readAll(flat, 100)).values).toEqual([...bytes]);
  });

  it('chooses batches of about 1 MiB', async () => {
    const path = await save(encodeNpy(new Uint8Array(3000 * 784), [3000, 784]));
    const { lengths } = await readAll(path);
    const rows = Math.floor(2 ** 20 / (4 * 784));
    expect(lengths[0]).toBe(rows * 784);
    expect(lengths).toHaveLength(Math.ceil(3000 / rows));
  });

  it('gives a wide row in one batch, and no batch for no rows', async () => {
    const features = 300_000;
    const wide = await save(encodeNpy(new Float32Array(2 * features), [2, features]));
    expect((await openAndCount(wide)).lengths).toEqual([features, features]);
    expect((await openAndCount(await save(encodeNpy(new Float32Array(0), [0, 5])))).lengths).toEqual([]);
  });

  async function openAndCount(path: string): Promise<{ lengths: number[] }> {
    const rows = await openNpy(path);
    const lengths: number[] = [];
    for await (const batch of rows.batches()) lengths.push(batch.length);
    await rows.close();
    return { lengths };
  }

  it('runs several generators at once, each from the first row; batches stay as they were', async () => {
    const data = Uint8Array.from({ length: 10 }, (_, i) => i);
    const rows = await openNpy(await save(encodeNpy(data, [10])));
    const [a, b] = [rows.batches(4), rows.batches(3)];
    const first = (await a.next()).value as Float32Array;
    expect([...((await b.next()).value as Float32Array)]).toEqual([0, 1, 2]);
    expect([...((await a.next()).value as Float32Array)]).toEqual([4, 5, 6, 7]);
    expect([...((await b.next()).value as Float32Array)]).toEqual([3, 4, 5]);
    expect([...first]).toEqual([0, 1, 2, 3]);
    await rows.close();
  });

  it.each(['|i1', '<i4', '<i8'])('refuses %s as data', async (descr) => {
    await expectRejects(
      'ERR_DTYPE',
      openNpy(await save(npy(dict(descr, '(1, 1)'), descr === '|i1' ? 1 : +descr[2]!))),
    );
  });

  it('refuses other ranks and too many features', async () => {
    for (const shape of ['()', '(1, 1, 1)', '(1, 0)']) {
      const path = await save(npy(dict('|u1', shape), shape === '(1, 0)' ? 0 : 1));
      await expectRejects('ERR_FORMAT', openNpy(path));
    }
    const path = await save(npy(dict('|u1', `(0, ${MAX_NPY_FEATURES + 1})`)));
    await expectRejects('ERR_LIMIT', openNpy(path));
  });

  it('refuses a file that is shorter or longer than its header says', async () => {
    const bytes = encodeNpy(new Float32Array(6), [2, 3]);
    for (const length of [bytes.length - 1, bytes.length - 24, 100, 9, 0]) {
      await expectRejects('ERR_FORMAT', openNpy(await save(bytes.subarray(0, length))));
    }
    await expectRejects('ERR_FORMAT', openNpy(await save(Buffer.concat([bytes, Buffer.alloc(1)]))));
  });

  it('notices that the file became shorter while it was read', async () => {
    const bytes = encodeNpy(new Float32Array(6), [6]);
    const path = await save(bytes);
    const rows = await openNpy(path);
    const batches = rows.batches(2);
    await batches.next();
    await truncate(path, bytes.length - 12);
    await expectRejects('ERR_FORMAT', batches.next());
    await rows.close();
  });

  it('reports a missing file and a folder with the cause', async () => {
    const missing = await expectRejects('ERR_IO', openNpy(join(folder, 'none.npy')));
    expect(missing.cause).toMatchObject({ code: 'ENOENT' });
    const directory = await expectRejects('ERR_IO', openNpy(folder));
    expect(directory.cause).toMatchObject({ code: 'EISDIR' });
  });

  it('closes once, and is closed then', async () => {
    const rows = await openNpy(await save(encodeNpy(new Uint8Array(4), [4])));
    for (const batchRows of [0, -1, 1.5, Number.NaN])
      expectCode('ERR_ARGUMENT', () => rows.batches(batchRows));
    const batches = rows.batches(1);
    await batches.next();
    await rows.close();
    await rows.close();
    await expectRejects('ERR_CLOSED', batches.next());
    expectCode('ERR_CLOSED', () => rows.batches());
  });

  it('leaves no file open after a refusal', async () => {
    const open = async () => (process.platform === 'linux' ? (await readdir('/proc/self/fd')).length : 0);
    const path = await save(npy('{}'));
    const before = await open();
    for (let i = 0; i < 20; i++) await expectRejects('ERR_FORMAT', openNpy(path));
    expect(await open()).toBe(before);
  });
});

describe('readNpyLabels', () => {
  it.each<[string, ArrayBufferView & { length: number }]>([
    ['|u1', Uint8Array.of(0, 7, 255)],
    ['|i1', Int8Array.of(-128, 0, 127)],
    ['<i4', Int32Array.of(-(2 ** 31), 0, 2 ** 31 - 1)],
    ['<i8', BigInt64Array.of(-(2n ** 31n), 5n, 2n ** 31n - 1n)],
    ['<f4', Float32Array.of(-3, -0, 9)],
    ['<f8', Float64Array.of(-(2 ** 31), 0, 2 ** 31 - 1)],
  ])('reads %s', async (descr, data) => {
    const wanted = Int32Array.from(data as unknown as ArrayLike<number | bigint>, Number);
    for (const shape of ['(3,)', '(3, 1)']) {
      expect(await readNpyLabels(await save(npy(dict(descr, shape), data)))).toEqual(wanted);
    }
  });

  it.each<[string, ArrayBufferView]>([
    ['<i8', BigInt64Array.of(2n ** 31n)],
    ['<i8', BigInt64Array.of(-(2n ** 63n))],
    ['<f4', Float32Array.of(0.5)],
    ['<f4', Float32Array.of(Number.NaN)],
    ['<f8', Float64Array.of(Number.POSITIVE_INFINITY)],
    ['<f8', Float64Array.of(2 ** 31)],
  ])('refuses %s that is no int32', async (descr, data) => {
    await expectRejects('ERR_FORMAT', readNpyLabels(await save(npy(dict(descr, '(1,)'), data))));
  });

  it('refuses other shapes, dtypes and lengths', async () => {
    for (const shape of ['()', '(1, 2)', '(1, 1, 1)', '(1, 0)']) {
      await expectRejects(
        'ERR_FORMAT',
        readNpyLabels(await save(npy(dict('|u1', shape), shape === '(1, 2)' ? 2 : 1))),
      );
    }
    await expectRejects('ERR_DTYPE', readNpyLabels(await save(npy(dict('|S1', '(1,)'), 1))));
    await expectRejects('ERR_FORMAT', readNpyLabels(await save(npy(dict('|u1', '(2,)'), 1))));
    await expectRejects('ERR_FORMAT', readNpyLabels(await save(npy(dict('|u1', '(2,)'), 3))));
    await expectRejects('ERR_IO', readNpyLabels(join(folder, 'none.npy')));
  });

  it('reads no labels', async () => {
    expect(await readNpyLabels(await save(encodeNpy(new Int32Array(0), [0])))).toEqual(new Int32Array(0));
  });
});
