import { describe, expected } from '../errors';
import type { DType, Tensor, TensorData } from '../tensor';
import { widenBFloat16, widenFloat16 } from './half-floats';
import {
  type FileDType,
  LENGTH_BYTES,
  MAX_SAFETENSORS_HEADER_BYTES,
  MAX_SAFETENSORS_RANK,
  MAX_SAFETENSORS_TENSORS,
  METADATA_KEY,
  parseHeader,
} from './safetensors-header';
import { allocateBytes, elementCount, isSize } from './sizes';

export { MAX_SAFETENSORS_HEADER_BYTES, MAX_SAFETENSORS_RANK, MAX_SAFETENSORS_TENSORS };

export interface SafetensorsFile {
  /** Has no prototype. */
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their data in the file. */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/**
 * Reads a safetensors file: u64 little-endian header length, JSON header, data. F16 and BF16 become float32;
 * the other arrays are views of `bytes` where alignment permits, else copies.
 * @throws {RequantError} ERR_FORMAT (not a whole, gapless file), ERR_UNSUPPORTED (dtype), ERR_LIMIT, ERR_MEMORY
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsFile {
  const { metadata, entries, dataStart } = parseHeader(bytes);
  const tensors = new Map<string, Tensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    // Not subarray: of a Buffer that would be a Buffer again.
    const data = new Uint8Array(bytes.buffer, bytes.byteOffset + dataStart + begin, end - begin);
    tensors.set(name, toTensor(dtype, shape, data));
  }
  return { metadata, tensors };
}

function toTensor(dtype: FileDType, shape: readonly number[], bytes: Uint8Array): Tensor {
  switch (dtype) {
    case 'F32': {
      const { buffer, byteOffset } = aligned(bytes);
      return { dtype: 'float32', shape, data: new Float32Array(buffer, byteOffset, bytes.byteLength / 4) };
    }
    case 'I32': {
      const { buffer, byteOffset } = aligned(bytes);
      return { dtype: 'int32', shape, data: new Int32Array(buffer, byteOffset, bytes.byteLength / 4) };
    }
    case 'F16':
      return { dtype: 'float32', shape, data: widenFloat16(bytes) };
    case 'BF16':
      return { dtype: 'float32', shape, data: widenBFloat16(bytes) };
    case 'I8':
      return { dtype: 'int8', shape, data: new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
    case 'U8':
      return { dtype: 'uint8', shape, data: bytes };
    case 'F8_E4M3':
      return { dtype: 'e4m3fn', shape, data: bytes };
    case 'F8_E5M2':
      return { dtype: 'e5m2', shape, data: bytes };
  }
}

function aligned(bytes: Uint8Array): Uint8Array {
  if (bytes.byteOffset % 4 === 0) return bytes;
  const copy = allocateBytes(bytes.byteLength);
  copy.set(bytes);
  return copy;
}

const WRITTEN: { readonly [D in DType]: { file: FileDType; array: new () => TensorData[D] } } = {
  float32: { file: 'F32', array: Float32Array },
  int8: { file: 'I8', array: Int8Array },
  uint8: { file: 'U8', array: Uint8Array },
  int32: { file: 'I32', array: Int32Array },
  e4m3fn: { file: 'F8_E4M3', array: Uint8Array },
  e5m2: { file: 'F8_E5M2', array: Uint8Array },
};

/**
 * The file of these tensors. Larger elements stand first and the header is padded to a multiple of 8, so each
 * tensor is aligned; order depends on names only, so equal content gives equal bytes.
 * @throws {RequantError} ERR_ARGUMENT (name, metadata or dtype that a file cannot hold), ERR_SHAPE, ERR_LIMIT,
 * ERR_MEMORY
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  if (tensors.size > MAX_SAFETENSORS_TENSORS) {
    throw expected('ERR_LIMIT', `at most ${MAX_SAFETENSORS_TENSORS} tensors`, tensors.size);
  }
  for (const [name, tensor] of tensors) checkTensor(name, tensor);
  const sorted = [...tensors].sort(
    ([nameA, a], [nameB, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT || compare(nameA, nameB),
  );
  const header = encodeHeader(sorted, metadata);
  const dataStart = LENGTH_BYTES + header.byteLength;
  const dataBytes = sorted.reduce((sum, [, { data }]) => sum + data.byteLength, 0);

  const file = allocateBytes(dataStart + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.byteLength), true);
  file.set(header, LENGTH_BYTES);
  let at = dataStart;
  for (const [, { data }] of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

/** Joined by hand: in an object, names such as `7` would move to the front. */
function encodeHeader(
  tensors: readonly (readonly [string, Tensor])[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const members: string[] = [];
  const keys = Object.keys(metadata).sort(compare);
  if (keys.length > 0) {
    const pairs = keys.map((key) => `${quote(key)}:${quote(metadata[key])}`);
    members.push(`${quote(METADATA_KEY)}:{${pairs.join(',')}}`);
  }
  let begin = 0;
  for (const [name, tensor] of tensors) {
    const end = begin + tensor.data.byteLength;
    const entry = { dtype: WRITTEN[tensor.dtype].file, shape: tensor.shape, data_offsets: [begin, end] };
    members.push(`${quote(name)}:${JSON.stringify(entry)}`);
    begin = end;
  }
  const json = Buffer.from(`{${members.join(',')}}`, 'utf8');
  const length = Math.ceil(json.byteLength / 8) * 8;
  if (length > MAX_SAFETENSORS_HEADER_BYTES) {
    throw expected('ERR_LIMIT', `a header of at most ${MAX_SAFETENSORS_HEADER_BYTES} bytes`, length);
  }
  const header = allocateBytes(length).fill(0x20);
  header.set(json);
  return header;
}

function checkTensor(name: string, { dtype, shape, data }: Tensor): void {
  if (name === METADATA_KEY) throw expected('ERR_ARGUMENT', 'a tensor name that is not reserved', name);
  if (!Object.hasOwn(WRITTEN, dtype)) {
    const known = Object.keys(WRITTEN).join(', ');
    throw expected('ERR_ARGUMENT', `one of ${known} as dtype of tensor ${describe(name)}`, dtype);
  }
  if (!(data instanceof WRITTEN[dtype].array)) {
    throw expected('ERR_ARGUMENT', `${dtype} data for tensor ${describe(name)}`, data);
  }
  if (shape.length > MAX_SAFETENSORS_RANK) {
    throw expected(
      'ERR_LIMIT',
      `a rank of at most ${MAX_SAFETENSORS_RANK} for tensor ${describe(name)}`,
      shape.length,
    );
  }
  if (!shape.every(isSize) || elementCount(shape) !== data.length) {
    throw expected(
      'ERR_SHAPE',
      `a shape of ${data.length} elements for tensor ${describe(name)}`,
      shape.join('×'),
    );
  }
}

/** By code units: the same order in every locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function quote(text: unknown): string {
  // A lone surrogate has no UTF-8: two such names could become one.
  if (typeof text !== 'string' || /\p{Surrogate}/u.test(text)) {
    throw expected('ERR_ARGUMENT', 'names and metadata of whole Unicode characters', text);
  }
  return JSON.stringify(text);
}
