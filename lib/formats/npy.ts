import type { FileHandle } from 'node:fs/promises';
import { fsPromises } from '../builtins';
import { expected, RequantError } from '../errors';
import { ioError, READ_FLAGS, readFileBytes } from './atomic-write';
import {
  MAX_NPY_HEADER_BYTES,
  MAX_NPY_PREFIX_BYTES,
  type NpyDType,
  type NpyHeader,
  parseNpyHeader,
} from './npy-header';
import { allocateBytes, copyBytes, elementCount, isSize } from './sizes';

export { MAX_NPY_HEADER_BYTES, type NpyDType, type NpyHeader, parseNpyHeader };

/** A row is the least that is held in memory; the same limit as a model's features. */
export const MAX_NPY_FEATURES = 2 ** 24;

const DEFAULT_BATCH_BYTES = 2 ** 20;
// fs takes the length of one read as an int32.
const MAX_READ_BYTES = 2 ** 30;

export type NpyRowDType = 'float32' | 'float64' | 'uint8';

export interface NpyRows {
  readonly rows: number;
  readonly features: number;
  readonly dtype: NpyRowDType;
  /**
   * All rows in order, `batchRows` at a time (the last batch may be shorter), as float32 `[n, features]`; float64
   * is rounded, uint8 is 0..255. Each call starts at the first row; each batch is a new array.
   * @throws {RequantError} ERR_ARGUMENT, ERR_CLOSED; while it runs also ERR_FORMAT (the file became shorter),
   * ERR_IO, ERR_MEMORY
   */
  batches(batchRows?: number): AsyncGenerator<Float32Array>;
  /** Ends running generators with ERR_CLOSED. May be called again. */
  close(): Promise<void>;
}

/**
 * Opens a C-order .npy file of float32, float64 or uint8, `[rows, features]` or `[rows]`, for streaming.
 * @throws {RequantError} ERR_IO, ERR_DTYPE, ERR_FORMAT (also where file and header differ in length or rank),
 * ERR_LIMIT, ERR_UNSUPPORTED, ERR_VERSION
 */
export async function openNpy(path: string): Promise<NpyRows> {
  const handle = await openFile(path);
  try {
    const header = await readHeader(handle, path);
    const { size } = await handle.stat();
    checkLength(path, header, size);
    return new NpyFile(path, handle, header);
  } catch (error) {
    await handle.close().catch(() => {});
    throw error instanceof RequantError ? error : ioError('read', path, error);
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await fsPromises().open(path, READ_FLAGS);
  } catch (cause) {
    throw ioError('open', path, cause);
  }
}

async function readHeader(handle: FileHandle, path: string): Promise<NpyHeader> {
  const prefix = new Uint8Array(MAX_NPY_PREFIX_BYTES + MAX_NPY_HEADER_BYTES);
  return parseNpyHeader(prefix.subarray(0, await readFully(handle, path, prefix, 0)));
}

/** What a file holds. Errors: as `openNpy`. */
export async function npyDType(path: string): Promise<NpyDType> {
  const handle = await openFile(path);
  try {
    return (await readHeader(handle, path)).dtype;
  } catch (error) {
    throw error instanceof RequantError ? error : ioError('read', path, error);
  } finally {
    await handle.close().catch(() => {});
  }
}

class NpyFile implements NpyRows {
  readonly rows: number;
  readonly features: number;
  readonly dtype: NpyRowDType;
  private readonly dataStart: number;
  private readonly elementBytes: number;
  private closed = false;

  constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
    { dtype, shape, dataStart, elementBytes }: NpyHeader,
  ) {
    const [rows, features = 1] = shape;
    if (rows === undefined || shape.length > 2 || features === 0) {
      throw expected('ERR_FORMAT', `[rows, features] as shape of '${path}'`, `[${shape.join(', ')}]`);
    }
    if (features > MAX_NPY_FEATURES) {
      throw expected('ERR_LIMIT', `at most ${MAX_NPY_FEATURES} features in '${path}'`, features);
    }
    if (dtype !== 'float32' && dtype !== 'float64' && dtype !== 'uint8') {
      throw expected('ERR_DTYPE', `float32, float64 or uint8 data in '${path}'`, dtype);
    }
    this.rows = rows;
    this.features = features;
    this.dtype = dtype;
    this.dataStart = dataStart;
    this.elementBytes = elementBytes;
  }

  batches(
    batchRows = Math.max(1, Math.floor(DEFAULT_BATCH_BYTES / (4 * this.features))),
  ): AsyncGenerator<Float32Array> {
    if (!isSize(batchRows) || batchRows === 0) {
      throw expected('ERR_ARGUMENT', 'a positive integer as batchRows', batchRows);
    }
    this.checkOpen();
    return this.generate(Math.min(batchRows, this.rows));
  }

  private async *generate(batchRows: number): AsyncGenerator<Float32Array> {
    for (let row = 0; row < this.rows; row += batchRows) {
      const count = Math.min(batchRows, this.rows - row) * this.features;
      const values = new Float32Array(allocateBytes(4 * count).buffer);
      // float32 is read in place.
      const direct = this.dtype === 'float32';
      const bytes = direct ? new Uint8Array(values.buffer) : allocateBytes(count * this.elementBytes);
      const position = this.dataStart + row * this.features * this.elementBytes;
      this.checkOpen();
      const read = await this.read(bytes, position);
      if (read < bytes.length) {
        throw expected('ERR_FORMAT', `${bytes.length} bytes at ${position} of '${this.path}'`, read);
      }
      if (!direct) values.set(this.dtype === 'uint8' ? bytes : new Float64Array(bytes.buffer));
      yield values;
    }
  }

  private async read(bytes: Uint8Array, position: number): Promise<number> {
    try {
      return await readFully(this.handle, this.path, bytes, position);
    } catch (error) {
      // Closed meanwhile: then the read failed for that reason.
      this.checkOpen();
      throw error;
    }
  }

  private checkOpen(): void {
    if (this.closed)
      throw new RequantError('ERR_CLOSED', `expected an open file but '${this.path}' is closed`);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    try {
      await this.handle.close();
    } catch (cause) {
      throw ioError('read', this.path, cause);
    }
  }
}

/**
 * Reads class labels: `[n]` or `[n, 1]` of uint8, int8, int32, int64, or of floats that hold integers.
 * @throws {RequantError} ERR_IO, ERR_DTYPE, ERR_FORMAT (also a value that is no int32), ERR_UNSUPPORTED, ERR_LIMIT,
 * ERR_VERSION
 */
export async function readNpyLabels(path: string): Promise<Int32Array> {
  const bytes = await readFileBytes(path);
  const header = parseNpyHeader(bytes);
  checkLength(path, header, bytes.byteLength);
  const [count, columns = 1] = header.shape;
  if (count === undefined || header.shape.length > 2 || columns !== 1) {
    throw expected('ERR_FORMAT', `[n] or [n, 1] as shape of '${path}'`, `[${header.shape.join(', ')}]`);
  }
  // A copy starts at offset 0, so it is aligned.
  const values = typedArray(header.dtype, copyBytes(bytes.subarray(header.dataStart)));
  const labels = new Int32Array(allocateBytes(4 * count).buffer);
  for (let i = 0; i < count; i++) {
    const value = Number(values[i]);
    if (value !== (value | 0)) throw expected('ERR_FORMAT', `an int32 as label ${i} of '${path}'`, values[i]);
    labels[i] = value;
  }
  return labels;
}

/**
 * The .npy file (version 1.0) of an array.
 * @throws {RequantError} ERR_SHAPE, ERR_LIMIT, ERR_MEMORY
 */
export function encodeNpy(
  data: Float32Array | Uint8Array | Int32Array,
  shape: readonly number[],
): Uint8Array {
  if (!shape.every(isSize) || elementCount(shape) !== data.length) {
    throw expected('ERR_SHAPE', `a shape of ${data.length} elements`, shape.join('×'));
  }
  const descr = data instanceof Float32Array ? '<f4' : data instanceof Int32Array ? '<i4' : '|u1';
  const prefix = encodeNpyHeader(descr, shape);
  const file = allocateBytes(prefix.length + data.byteLength);
  file.set(prefix);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), prefix.length);
  return file;
}

/**
 * What stands before the data of a .npy file (version 1.0).
 * @throws {RequantError} ERR_LIMIT
 */
export function encodeNpyHeader(descr: '<f4' | '<i4' | '|u1', shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // As NumPy does: spaces and a newline, so that the data starts at a multiple of 64.
  const prefixBytes = 10;
  const dataStart = Math.ceil((prefixBytes + dict.length + 1) / 64) * 64;
  const textBytes = dataStart - prefixBytes;
  if (textBytes > 0xffff) throw expected('ERR_LIMIT', 'a .npy header of at most 65535 bytes', textBytes);
  const header = Buffer.alloc(dataStart);
  header.write('\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(textBytes, 8);
  header.write(`${dict.padEnd(textBytes - 1)}\n`, prefixBytes, 'latin1');
  return header;
}

/** Trailing bytes are refused too: a wrong header would give plausible rows. */
function checkLength(path: string, { dataStart, dataBytes }: NpyHeader, size: number): void {
  if (size - dataStart !== dataBytes) {
    throw expected('ERR_FORMAT', `${dataBytes} bytes of data in '${path}'`, size - dataStart);
  }
}

/** Reads until `bytes` is full or the file ends; the number of bytes read. */
async function readFully(
  handle: FileHandle,
  path: string,
  bytes: Uint8Array,
  position: number,
): Promise<number> {
  let done = 0;
  try {
    while (done < bytes.length) {
      const length = Math.min(bytes.length - done, MAX_READ_BYTES);
      const { bytesRead } = await handle.read(bytes, done, length, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
  } catch (cause) {
    throw ioError('read', path, cause);
  }
  return done;
}

function typedArray(dtype: NpyDType, { buffer }: Uint8Array<ArrayBuffer>): ArrayLike<number | bigint> {
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer);
    case 'float64':
      return new Float64Array(buffer);
    case 'uint8':
      return new Uint8Array(buffer);
    case 'int8':
      return new Int8Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'int64':
      return new BigInt64Array(buffer);
  }
}
