import { expect, it } from 'vitest';
import { RequantError } from '../../lib/errors';
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors';
import { type Tensor, tensor } from '../../lib/tensor';
import { mutate, prng } from './support';

const MUTATIONS = 1_000_000;

const encoder = new TextEncoder();
const text = (value: string) => encoder.encode(value);

function withLength(header: string, dataBytes: number): Uint8Array {
  const bytes = new Uint8Array(8 + header.length + dataBytes);
  bytes[0] = header.length;
  bytes.set(text(header), 8);
  return bytes;
}

const bases = [
  writeSafetensors(new Map<string, Tensor>([['a', tensor(Float32Array.of(1, Number.NaN), [2, 1])]]), {}),
  writeSafetensors(
    new Map<string, Tensor>([
      ['b', tensor(Int8Array.of(1, 2, 3))],
      ['c', tensor(Int32Array.of(1))],
    ]),
    { k: 'v' },
  ),
  withLength('{"h":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}', 2),
  withLength(
    '{"h":{"dtype":"BF16","shape":[2],"data_offsets":[1,5]},"u":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
    5,
  ),
  withLength('{"r":{"dtype":"I8","shape":[1,1,1,2,1,1,1,1],"data_offsets":[0,2]}}', 2),
  withLength('{}', 0),
];

const tokens = [
  ...[
    '"',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\\u0061',
    '\\',
    '0',
    '-1',
    '1e3',
    '0.5',
    '9007199254740993',
    '1e999',
  ],
  ...['4294967296', 'null', '"F16"', '"I8"', '"F64"', '"__proto__"', '"__metadata__"', '"dtype"', '"shape"'],
  ...['"data_offsets"', '"x":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},', '[[[[', ' ', ',1', '\ud800'],
].map(text);

function isConsistent({ dtype, shape, data }: Tensor): boolean {
  const elements = shape.reduce((product, size) => product * size, 1);
  const bytes = dtype === 'float32' || dtype === 'int32' ? 4 : 1;
  return (
    shape.every((size) => Number.isSafeInteger(size) && size >= 0) &&
    data.length === elements &&
    data.byteLength === elements * bytes &&
    data.byteOffset + data.byteLength <= data.buffer.byteLength
  );
}

it(`survives ${MUTATIONS} mutated files`, () => {
  const random = prng(20_240_229);
  const codes = new Map<string, number>();
  // Stack traces cost more than the reader.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    for (let i = 0; i < MUTATIONS; i++) {
      const bytes = mutate(bases[i % bases.length]!, random, tokens);
      // Half of them with the length put right, so that faults get past it and into the JSON.
      const end = bytes.lastIndexOf(0x7d) + 1;
      if (random(2) === 0 && end > 8) bytes.fill(0, 0, 8).set([(end - 8) & 255, (end - 8) >> 8]);
      let outcome = 'valid';
      try {
        for (const [name, value] of readSafetensors(bytes).tensors) {
          if (!isConsistent(value)) throw new Error(`inconsistent tensor '${name}'`);
        }
      } catch (error) {
        if (!(error instanceof RequantError)) {
          throw new Error(`mutation ${i}: ${Buffer.from(bytes).toString('hex')}`, { cause: error });
        }
        outcome = error.code;
      }
      codes.set(outcome, (codes.get(outcome) ?? 0) + 1);
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  console.log(`safetensors mutations: ${JSON.stringify(Object.fromEntries(codes))}`);
  // Each kind of outcome is reached, so the faults get past the first check.
  expect([...codes.keys()].sort()).toEqual(['ERR_FORMAT', 'ERR_LIMIT', 'ERR_UNSUPPORTED', 'valid']);
});
