import { expected } from '../errors';
import { type PythonValue, parsePythonDict } from './python-dict';
import { elementCount } from './sizes';

/** Longest dict literal that is read. */
export const MAX_NPY_HEADER_BYTES = 64 * 2 ** 10;
/** Magic (6), version (2) and the header's length: u16 in version 1, u32 in 2 and 3. */
export const MAX_NPY_PREFIX_BYTES = 12;

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');

const DTYPES = {
  '<f4': { dtype: 'float32', elementBytes: 4 },
  '<f8': { dtype: 'float64', elementBytes: 8 },
  '|u1': { dtype: 'uint8', elementBytes: 1 },
  '|i1': { dtype: 'int8', elementBytes: 1 },
  '<i4': { dtype: 'int32', elementBytes: 4 },
  '<i8': { dtype: 'int64', elementBytes: 8 },
} as const;
type Descr = keyof typeof DTYPES;
export type NpyDType = (typeof DTYPES)[Descr]['dtype'];

export interface NpyHeader {
  readonly dtype: NpyDType;
  readonly elementBytes: number;
  readonly shape: readonly number[];
  readonly dataStart: number;
  /** What shape and dtype ask for; the file has to be compared with it. */
  readonly dataBytes: number;
}

/**
 * Reads the header of a .npy file, version 1, 2 or 3, from its first bytes; the data need not be among them.
 * @throws {RequantError} ERR_FORMAT (also when cut short), ERR_VERSION, ERR_LIMIT, ERR_DTYPE, ERR_UNSUPPORTED
 * (Fortran order)
 */
export function parseNpyHeader(bytes: Uint8Array): NpyHeader {
  const { textStart, dataStart } = headerExtent(bytes);
  // Version 3 is UTF-8, the others latin1; all that is accepted is ASCII.
  const text = Buffer.from(bytes.subarray(textStart, dataStart)).toString('latin1');
  const dict = parsePythonDict(text);
  for (const key of dict.keys()) {
    if (key !== 'descr' && key !== 'fortran_order' && key !== 'shape') {
      throw expected('ERR_FORMAT', 'descr, fortran_order and shape in the .npy header', key);
    }
  }
  const { dtype, elementBytes } = knownDType(dict.get('descr'));
  checkOrder(dict.get('fortran_order'));
  const shape = dict.get('shape');
  if (shape === undefined || typeof shape === 'string' || typeof shape === 'boolean') {
    throw expected('ERR_FORMAT', 'a tuple as .npy shape', shape);
  }
  const dataBytes = elementCount([...shape, elementBytes]);
  if (dataBytes === undefined) throw expected('ERR_FORMAT', 'a .npy shape without overflow', shape.join('×'));
  return { dtype, elementBytes, shape, dataStart, dataBytes };
}

/** Where the dict literal stands. */
function headerExtent(bytes: Uint8Array): { textStart: number; dataStart: number } {
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) {
    const received = Buffer.from(bytes.subarray(0, MAGIC.length)).toString('latin1');
    throw expected('ERR_FORMAT', "a file that starts with '\\x93NUMPY'", received);
  }
  const [major, minor] = bytes.subarray(MAGIC.length);
  if (major === undefined || minor === undefined) {
    throw expected('ERR_FORMAT', 'a .npy file with a version', 'its end');
  }
  if (major < 1 || major > 3 || minor !== 0) {
    throw expected('ERR_VERSION', '.npy version 1.0, 2.0 or 3.0', `${major}.${minor}`);
  }
  const textStart = major === 1 ? MAX_NPY_PREFIX_BYTES - 2 : MAX_NPY_PREFIX_BYTES;
  if (bytes.byteLength < textStart) {
    throw expected('ERR_FORMAT', `a .npy file of at least ${textStart} bytes`, bytes.byteLength);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_NPY_HEADER_BYTES) {
    throw expected('ERR_LIMIT', `a .npy header of at most ${MAX_NPY_HEADER_BYTES} bytes`, length);
  }
  const dataStart = textStart + length;
  if (bytes.byteLength < dataStart) {
    throw expected('ERR_FORMAT', `a .npy file of at least ${dataStart} bytes`, bytes.byteLength);
  }
  return { textStart, dataStart };
}

function knownDType(descr: PythonValue | undefined): (typeof DTYPES)[Descr] {
  if (typeof descr !== 'string') throw expected('ERR_FORMAT', "a string as .npy 'descr'", descr);
  if (!Object.hasOwn(DTYPES, descr)) {
    throw expected('ERR_DTYPE', `one of ${Object.keys(DTYPES).join(', ')} as .npy dtype`, descr);
  }
  return DTYPES[descr as Descr];
}

function checkOrder(fortranOrder: PythonValue | undefined): void {
  if (fortranOrder === true) throw expected('ERR_UNSUPPORTED', 'a .npy file in C order', 'Fortran order');
  if (fortranOrder !== false) throw expected('ERR_FORMAT', "True or False as 'fortran_order'", fortranOrder);
}
