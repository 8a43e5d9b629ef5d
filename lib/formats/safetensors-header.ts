import { isUtf8 } from 'node:buffer';
import { describe, expected, RequantError } from '../errors';
import { elementCount, isSize } from './sizes';
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from './strict-json';

export const MAX_SAFETENSORS_HEADER_BYTES = 16 * 2 ** 20;
export const MAX_SAFETENSORS_TENSORS = 100_000;
export const MAX_SAFETENSORS_RANK = 8;

export const METADATA_KEY = '__metadata__';
export const LENGTH_BYTES = 8;

/** Bytes of one element, for the dtypes that are read. */
export const ELEMENT_BYTES = {
  F32: 4,
  F16: 2,
  BF16: 2,
  I8: 1,
  U8: 1,
  I32: 4,
  F8_E4M3: 1,
  F8_E5M2: 1,
} as const;
export type FileDType = keyof typeof ELEMENT_BYTES;

export interface TensorEntry {
  readonly name: string;
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  /** Offsets from `dataStart`. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their data, which they cover without a hole or an overlap. */
  readonly entries: readonly TensorEntry[];
  readonly dataStart: number;
}

/**
 * Checks the header against the whole file, so that every entry can be read without a further check.
 * @throws {RequantError} ERR_FORMAT, ERR_LIMIT, ERR_UNSUPPORTED (dtype)
 */
export function parseHeader(bytes: Uint8Array): SafetensorsHeader {
  const dataStart = LENGTH_BYTES + headerLength(bytes);
  const json = headerJson(bytes.subarray(LENGTH_BYTES, dataStart));
  const names = Object.keys(json).filter((name) => name !== METADATA_KEY);
  if (names.length > MAX_SAFETENSORS_TENSORS) {
    throw expected('ERR_LIMIT', `at most ${MAX_SAFETENSORS_TENSORS} tensors`, names.length);
  }
  const dataBytes = bytes.byteLength - dataStart;
  const entries = names.map((name) => tensorEntry(name, json[name], dataBytes));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(entries, dataBytes);
  return { metadata: stringRecord(json[METADATA_KEY]), entries, dataStart };
}

function headerLength(bytes: Uint8Array): number {
  if (bytes.byteLength < LENGTH_BYTES) {
    throw expected('ERR_FORMAT', `a safetensors file of at least ${LENGTH_BYTES} bytes`, bytes.byteLength);
  }
  // A bigint, since the untrusted 64 bits may hold more than a number can.
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  const available = bytes.byteLength - LENGTH_BYTES;
  if (length > available) {
    throw expected('ERR_FORMAT', `a header length within the file's ${available} further bytes`, length);
  }
  if (length > MAX_SAFETENSORS_HEADER_BYTES) {
    throw expected('ERR_LIMIT', `a header of at most ${MAX_SAFETENSORS_HEADER_BYTES} bytes`, length);
  }
  return Number(length);
}

function headerJson(bytes: Uint8Array): JsonObject {
  if (!isUtf8(bytes)) throw expected('ERR_FORMAT', 'a safetensors header in UTF-8', 'other bytes');
  // A byte order mark stays in the text, to be refused there.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  // The format allows padding after the object, none before it.
  if (!text.startsWith('{')) throw expected('ERR_FORMAT', "a safetensors header that starts with '{'", text);
  // It starts with '{', so what parses is an object.
  return parseStrictJson(text) as JsonObject;
}

function stringRecord(value: JsonValue | undefined): Readonly<Record<string, string>> {
  const record: Record<string, string> = Object.create(null);
  if (value === undefined) return record;
  if (!isJsonObject(value)) throw expected('ERR_FORMAT', `an object for '${METADATA_KEY}'`, value);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string')
      throw expected('ERR_FORMAT', `a string for metadata ${describe(key)}`, text);
    record[key] = text;
  }
  return record;
}

function tensorEntry(name: string, entry: JsonValue | undefined, dataBytes: number): TensorEntry {
  if (!isJsonObject(entry)) throw expected('ERR_FORMAT', `an object for tensor ${describe(name)}`, entry);
  for (const key of Object.keys(entry)) {
    if (key !== 'dtype' && key !== 'shape' && key !== 'data_offsets') {
      throw expected('ERR_FORMAT', `dtype, shape and data_offsets for tensor ${describe(name)}`, key);
    }
  }
  const dtype = fileDType(name, entry.dtype);
  const shape = sizes(`the shape of tensor ${describe(name)}`, entry.shape);
  if (shape.length > MAX_SAFETENSORS_RANK) {
    throw expected(
      'ERR_LIMIT',
      `a rank of at most ${MAX_SAFETENSORS_RANK} for tensor ${describe(name)}`,
      shape.length,
    );
  }
  const offsets = sizes(`the data_offsets of tensor ${describe(name)}`, entry.data_offsets);
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined || offsets.length !== 2) {
    throw expected('ERR_FORMAT', `two data_offsets for tensor ${describe(name)}`, offsets);
  }
  if (begin > end || end > dataBytes) {
    const what = `data_offsets of tensor ${describe(name)} in order and within ${dataBytes} bytes`;
    throw expected('ERR_FORMAT', what, `${begin}, ${end}`);
  }
  const byteCount = elementCount([...shape, ELEMENT_BYTES[dtype]]);
  if (byteCount !== end - begin) {
    const what = `${end - begin} bytes of ${dtype} in tensor ${describe(name)} from its shape`;
    throw expected('ERR_FORMAT', what, byteCount ?? 'a product that overflows');
  }
  return { name, dtype, shape, begin, end };
}

function fileDType(name: string, dtype: JsonValue | undefined): FileDType {
  if (typeof dtype !== 'string')
    throw expected('ERR_FORMAT', `a string as dtype of tensor ${describe(name)}`, dtype);
  if (!Object.hasOwn(ELEMENT_BYTES, dtype)) {
    const known = Object.keys(ELEMENT_BYTES).join(', ');
    throw expected('ERR_UNSUPPORTED', `one of ${known} as dtype of tensor ${describe(name)}`, dtype);
  }
  return dtype as FileDType;
}

function sizes(what: string, value: JsonValue | undefined): number[] {
  if (!Array.isArray(value)) throw expected('ERR_FORMAT', `an array as ${what}`, value);
  return value.map((size: unknown) => {
    if (!isSize(size)) throw expected('ERR_FORMAT', `non-negative safe integers in ${what}`, size);
    return size;
  });
}

/** In order, each tensor must begin where the one before it ended, and the last must end with the file. */
function checkCoverage(entries: readonly TensorEntry[], dataBytes: number): void {
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== covered) {
      const fault = begin < covered ? 'an overlap' : 'a hole';
      throw new RequantError(
        'ERR_FORMAT',
        `expected tensor ${describe(name)} to begin at byte ${covered} but received ${begin}, ${fault}`,
      );
    }
    covered = end;
  }
  if (covered !== dataBytes) {
    throw expected('ERR_FORMAT', `${covered} bytes of tensor data`, dataBytes);
  }
}
