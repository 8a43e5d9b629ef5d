import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MAX_SAFETENSORS_HEADER_BYTES,
  MAX_SAFETENSORS_RANK,
  MAX_SAFETENSORS_TENSORS,
  readSafetensors,
  writeSafetensors,
} from '../../lib/formats/safetensors';
import { type Tensor, tensor } from '../../lib/tensor';
import { expectCode } from './support';

/** A file from a header, as text or as an object, and data. */
function file(header: unknown, data: ArrayLike<number> | number = 0, headerLength?: bigint): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const body = typeof data === 'number' ? new Uint8Array(data) : Uint8Array.from(data);
  const bytes = new Uint8Array(8 + text.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(body, 8 + text.length);
  return bytes;
}

const entry = (dtype: unknown, shape: unknown, ...offsets: unknown[]) => ({
  dtype,
  shape,
  data_offsets: offsets,
});

function headerOf(bytes: Uint8Array): string {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  return Buffer.from(bytes.subarray(8, 8 + length)).toString();
}

/** Bit for bit: NaN payloads count. */
function expectSameTensor(actual: Tensor | undefined, wanted: Tensor): void {
  expect(actual?.dtype).toBe(wanted.dtype);
  expect(actual?.shape).toEqual(wanted.shape);
  const bits = ({ data }: Tensor) =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
  expect(bits(actual!)).toBe(bits(wanted));
}

const arbitraryTensor = fc
  .tuple(fc.array(fc.nat({ max: 4 }), { maxLength: 4 }), fc.nat({ max: 3 }), fc.infiniteStream(fc.integer()))
  .map(([shape, kind, stream]): Tensor => {
    const count = shape.reduce((a, b) => a * b, 1);
    const ints = Int32Array.from({ length: count }, () => stream.next().value ?? 0);
    if (kind === 0) return tensor(new Float32Array(ints.buffer), shape);
    if (kind === 1) return tensor(ints, shape);
    return tensor(kind === 2 ? Int8Array.from(ints) : Uint8Array.from(ints), shape);
  });
const arbitraryName = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', '7', '', '"\\\n', 'dtype'),
);
const arbitraryTensors = fc
  .uniqueArray(fc.tuple(arbitraryName, arbitraryTensor), { selector: ([name]) => name, maxLength: 6 })
  .map((entries) => new Map(entries));
const arbitraryMetadata = fc.dictionary(arbitraryName, fc.string({ unit: 'grapheme' }), { maxKeys: 4 });

describe('round trip', () => {
  it('gives back every tensor and all metadata', () => {
    fc.assert(
      fc.property(arbitraryTensors, arbitraryMetadata, fc.nat({ max: 7 }), (tensors, metadata, shift) => {
        const written = writeSafetensors(tensors, metadata);
        const shifted = new Uint8Array(written.length + shift + 5);
        shifted.set(written, shift);
        const read = readSafetensors(shifted.subarray(shift, shift + written.length));
        expect([...read.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
        for (const [name, wanted] of tensors) expectSameTensor(read.tensors.get(name), wanted);
        expect(Object.getPrototypeOf(read.metadata)).toBeNull();
        expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(metadata).sort());
      }),
      { numRuns: 1000 },
    );
  });

  it('is deterministic: the order of insertion does not matter', () => {
    fc.assert(
      fc.property(arbitraryTensors, arbitraryMetadata, (tensors, metadata) => {
        const reversed = new Map([...tensors].reverse());
        const reversedMetadata = Object.fromEntries(Object.entries(metadata).reverse());
        const bytes = writeSafetensors(tensors, metadata);
        expect(Buffer.compare(writeSafetensors(reversed, reversedMetadata), bytes)).toBe(0);
        const read = readSafetensors(bytes);
        expect(Buffer.compare(writeSafetensors(read.tensors, read.metadata), bytes)).toBe(0);
      }),
    );
  });

  it('keeps alignment: larger elements first, then names; header padded to 8', () => {
    const bytes = writeSafetensors(
      new Map<string, Tensor>([
        ['b', tensor(Int8Array.of(1, 2, 3))],
        ['a', tensor(Uint8Array.of(4))],
        ['d', tensor(Int32Array.of(5))],
        ['c', tensor(Float32Array.of(6, 7), [2, 1])],
      ]),
      { z: '1', a: '2' },
    );
    const header = headerOf(bytes);
    expect(header.length % 8).toBe(0);
    expect(header.trimEnd()).toBe(
      '{"__metadata__":{"a":"2","z":"1"},' +
        '"c":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},' +
        '"d":{"dtype":"I32","shape":[1],"data_offsets":[8,12]},' +
        '"a":{"dtype":"U8","shape":[1],"data_offsets":[12,13]},' +
        '"b":{"dtype":"I8","shape":[3],"data_offsets":[13,16]}}',
    );
    const { tensors } = readSafetensors(bytes);
    for (const { data } of tensors.values()) expect(data.buffer).toBe(bytes.buffer);
    expect([...tensors.keys()]).toEqual(['c', 'd', 'a', 'b']);
  });

  it('holds scalars, empty tensors and no tensors', () => {
    const tensors = new Map<string, Tensor>([
      ['scalar', tensor(Float32Array.of(-0), [])],
      ['empty', tensor(new Int8Array(0), [3, 0])],
      ['empty32', tensor(new Int32Array(0))],
    ]);
    const read = readSafetensors(writeSafetensors(tensors, {})).tensors;
    for (const [name, wanted] of tensors) expectSameTensor(read.get(name), wanted);
    expect(readSafetensors(writeSafetensors(new Map(), {})).tensors.size).toBe(0);
  });
});

describe('readSafetensors', () => {
  it('copies where alignment does not permit a view, and reads a Buffer as plain arrays', () => {
    const bytes = Buffer.from(
      file({ x: entry('U8', [1], 0, 1), y: entry('F32', [1], 1, 5) }, [9, 0, 0, 128, 63]),
    );
    const { tensors } = readSafetensors(bytes);
    expectSameTensor(tensors.get('x'), tensor(Uint8Array.of(9)));
    expectSameTensor(tensors.get('y'), tensor(Float32Array.of(1)));
    expect(Object.getPrototypeOf(tensors.get('x')?.data)).toBe(Uint8Array.prototype);
  });

  it.each([
    ['F8_E4M3', 'e4m3fn'],
    ['F8_E5M2', 'e5m2'],
  ])('keeps the codes of %s', (dtype, name) => {
    const bytes = file({ x: entry(dtype, [2, 2], 0, 4) }, [0, 1, 127, 255]);
    const { tensors } = readSafetensors(bytes);
    expect(tensors.get('x')).toEqual({ dtype: name, shape: [2, 2], data: Uint8Array.of(0, 1, 127, 255) });
    expect(readSafetensors(writeSafetensors(tensors, {})).tensors).toEqual(tensors);
  });

  it('widens F16 and BF16', () => {
    const { tensors } = readSafetensors(
      file(
        { h: entry('F16', [2], 0, 4), b: entry('BF16', [1, 2], 4, 8) },
        [0, 0x3c, 1, 0, 0x49, 0x40, 0, 0xff],
      ),
    );
    expectSameTensor(tensors.get('h'), tensor(Float32Array.of(1, 2 ** -24)));
    expectSameTensor(tensors.get('b'), tensor(Float32Array.of(3.140625, -(2 ** 127)), [1, 2]));
  });

  it('takes names and metadata of the prototype as plain', () => {
    const header =
      '{"__metadata__":{"__proto__":"m"},"__proto__":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}';
    const { metadata, tensors } = readSafetensors(file(header, [255]));
    expect(Object.entries(metadata)).toEqual([['__proto__', 'm']]);
    expectSameTensor(tensors.get('__proto__'), tensor(Int8Array.of(-1)));
    expect(metadata.toString).toBeUndefined();
  });

  it('accepts padding after the header', () => {
    expect(readSafetensors(file('{}   \n')).tensors.size).toBe(0);
  });

  const good = entry('I8', [2], 0, 2);
  it.each<[string, Uint8Array]>([
    ['an empty file', new Uint8Array(0)],
    ['7 bytes', new Uint8Array(7)],
    ['no header', new Uint8Array(8)],
    ['a header length one beyond the file', file({}, 0, 3n)],
    ['a header length of 2^32 + 2', file({}, 0, 2n ** 32n + 2n)],
    ['a header length of 2^63 + 2', file({}, 0, 2n ** 63n + 2n)],
    ['a header length of 2^64 - 1', file({}, 0, 2n ** 64n - 1n)],
    ['a cut header', file({ x: good }, 2, 20n)],
    ['an array as header', file('[]')],
    ['a string as header', file('"{}"')],
    ['null as header', file('null')],
    ['space before the header', file(' {}')],
    ['a byte order mark', file('\ufeff{}')],
    ['two objects', file('{}{}')],
    ['no UTF-8', file({ xx: good }, 2).map((byte) => (byte === 0x78 ? 0xff : byte))],
    ['deep nesting', file(`{"x":${'['.repeat(100_000)}`)],
    ['a duplicate name', file(`{"x":${JSON.stringify(good)},"\\u0078":${JSON.stringify(good)}}`, 2)],
    ['a duplicate key', file('{"x":{"dtype":"I8","dtype":"I8","shape":[2],"data_offsets":[0,2]}}', 2)],
    ['two metadata', file('{"__metadata__":{},"__metadata__":{}}')],
    ['an unknown key', file({ x: { ...good, stride: 1 } }, 2)],
    ['an entry that is an array', file({ x: [good] }, 2)],
    ['an entry that is null', file({ x: null })],
    ['no dtype', file({ x: { shape: [2], data_offsets: [0, 2] } }, 2)],
    ['no shape', file({ x: { dtype: 'I8', data_offsets: [0, 2] } }, 2)],
    ['no offsets', file({ x: { dtype: 'I8', shape: [2] } }, 2)],
    ['a dtype that is a number', file({ x: entry(1, [2], 0, 2) }, 2)],
    ['a shape that is a number', file({ x: entry('I8', 2, 0, 2) }, 2)],
    ['a negative size', file({ x: entry('I8', [-1, -2], 0, 2) }, 2)],
    ['a size of -0', file('{"x":{"dtype":"I8","shape":[-0],"data_offsets":[0,0]}}')],
    ['a fraction', file({ x: entry('I8', [0.5, 4], 0, 2) }, 2)],
    ['a size as string', file({ x: entry('I8', ['2'], 0, 2) }, 2)],
    ['an unsafe size', file('{"x":{"dtype":"I8","shape":[0,9007199254740993],"data_offsets":[0,0]}}')],
    ['an infinite size', file('{"x":{"dtype":"I8","shape":[1e999],"data_offsets":[0,0]}}')],
    ['a product that overflows', file({ x: entry('I8', [2 ** 32, 2 ** 32], 0, 2) }, 2)],
    ['a product that overflows before a 0', file({ x: entry('I8', [2 ** 40, 2 ** 40, 0], 0, 0) })],
    ['a byte count that overflows', file({ x: entry('F32', [2 ** 52], 0, 0) })],
    ['one offset', file({ x: entry('I8', [2], 2) }, 2)],
    ['three offsets', file({ x: entry('I8', [2], 0, 2, 2) }, 2)],
    ['a negative offset', file({ x: entry('I8', [2], -2, 0) }, 2)],
    ['a fractional offset', file({ x: entry('I8', [2], 0.5, 2.5) }, 3)],
    ['offsets in reverse', file({ x: entry('I8', [2], 2, 0) }, 2)],
    ['an end beyond the data', file({ x: entry('I8', [3], 0, 3) }, 2)],
    ['a begin beyond the data', file({ x: entry('I8', [0], 3, 3) }, 2)],
    ['a size below shape × dtype', file({ x: entry('F32', [1], 0, 2) }, 2)],
    ['a size above shape × dtype', file({ x: entry('I8', [1], 0, 2) }, 2)],
    ['truncated data', file({ x: good }, 1)],
    ['an overlap', file({ x: good, y: entry('I8', [2], 1, 3) }, 3)],
    ['the same bytes twice', file({ x: good, y: good }, 2)],
    ['an empty tensor within another', file({ x: good, y: entry('I8', [0], 1, 1) }, 2)],
    ['a hole before', file({ x: entry('I8', [2], 1, 3) }, 3)],
    ['a hole between', file({ x: good, y: entry('I8', [1], 3, 4) }, 4)],
    ['trailing bytes', file({ x: good }, 3)],
    ['data without tensors', file({}, 1)],
    ['metadata that is a string', file({ __metadata__: 'x' })],
    ['metadata that is an array', file({ __metadata__: ['x'] })],
    ['metadata that is null', file({ __metadata__: null })],
    ['a number in metadata', file({ __metadata__: { a: 1 } })],
    ['an object in metadata', file({ __metadata__: { a: {} } })],
  ])('refuses %s', (_, bytes) => {
    const { message } = expectCode('ERR_FORMAT', () => readSafetensors(bytes));
    expect(message).toMatch(/^expected .* but received /s);
  });

  it.each(['F64', 'I64', 'BOOL', 'F8_E8M0', 'f32', '', 'constructor', '__proto__'])(
    'names tensor and dtype of the unsupported %j',
    (dtype) => {
      const bytes = file({ 'fc1.weight': entry(dtype, [0], 0, 0) });
      const { message } = expectCode('ERR_UNSUPPORTED', () => readSafetensors(bytes));
      expect(message).toContain("'fc1.weight'");
      expect(message).toContain(`'${dtype}'`);
    },
  );

  it('never reads behind its bytes', () => {
    const whole = file({ x: good }, 2);
    for (let length = 0; length < whole.length; length++) {
      expectCode('ERR_FORMAT', () => readSafetensors(whole.subarray(0, length)));
    }
  });

  it('limits rank, tensors and header', () => {
    const rank = (n: number) => file({ x: entry('I8', new Array(n).fill(1), 0, 1) }, 1);
    readSafetensors(rank(MAX_SAFETENSORS_RANK));
    expectCode('ERR_LIMIT', () => readSafetensors(rank(MAX_SAFETENSORS_RANK + 1)));

    const many = (n: number) => {
      const entries = Array.from(
        { length: n },
        (_, i) => `"t${i}":{"dtype":"I8","shape":[0],"data_offsets":[0,0]}`,
      );
      return file(`{${entries.join(',')}}`);
    };
    expect(readSafetensors(many(MAX_SAFETENSORS_TENSORS)).tensors.size).toBe(MAX_SAFETENSORS_TENSORS);
    expectCode('ERR_LIMIT', () => readSafetensors(many(MAX_SAFETENSORS_TENSORS + 1)));

    readSafetensors(file('{}'.padEnd(MAX_SAFETENSORS_HEADER_BYTES)));
    expectCode('ERR_LIMIT', () => readSafetensors(file('{}'.padEnd(MAX_SAFETENSORS_HEADER_BYTES + 1))));
  });

  it('keeps messages short for long names', () => {
    const bytes = file({ ['n'.repeat(1_000_000)]: entry('F64', [0], 0, 0) });
    expect(expectCode('ERR_UNSUPPORTED', () => readSafetensors(bytes)).message.length).toBeLessThan(300);
  });
});

describe('writeSafetensors', () => {
  const one = tensor(Int8Array.of(1));
  const write = (name: string, value: unknown, metadata: Record<string, string> = {}) =>
    writeSafetensors(new Map([[name, value as Tensor]]), metadata);

  it('refuses what the file cannot hold', () => {
    expectCode('ERR_ARGUMENT', () => write('__metadata__', one));
    expectCode('ERR_ARGUMENT', () => write('\ud800', one));
    expectCode('ERR_ARGUMENT', () => write('x', one, { a: '\udc00' }));
    expectCode('ERR_ARGUMENT', () => write('x', one, { '\udc00': 'a' }));
    expectCode('ERR_ARGUMENT', () => write('x', one, { a: 1 } as unknown as Record<string, string>));
    expectCode('ERR_ARGUMENT', () => write('x', { ...one, dtype: 'float64' }));
    expectCode('ERR_ARGUMENT', () => write('x', { ...one, dtype: 'float32' }));
    expectCode('ERR_SHAPE', () => write('x', { ...one, shape: [2] }));
    expectCode('ERR_SHAPE', () => write('x', { ...one, shape: [-1, -1] }));
    expectCode('ERR_SHAPE', () => write('x', { ...one, shape: [0.5, 2] }));
  });

  it('refuses what the reader would refuse', () => {
    expectCode('ERR_LIMIT', () => write('x', { ...one, shape: new Array(MAX_SAFETENSORS_RANK + 1).fill(1) }));
    expectCode('ERR_LIMIT', () => write('x', one, { a: 'a'.repeat(MAX_SAFETENSORS_HEADER_BYTES) }));
    const many = new Map(Array.from({ length: MAX_SAFETENSORS_TENSORS + 1 }, (_, i) => [`${i}`, one]));
    expectCode('ERR_LIMIT', () => writeSafetensors(many, {}));
  });

  it('writes views without their surroundings', () => {
    const values = Float32Array.of(1, 2, 3, 4);
    const read = readSafetensors(write('x', tensor(values.subarray(1, 3)))).tensors.get('x');
    expectSameTensor(read, tensor(Float32Array.of(2, 3)));
  });
});
