import { expected } from '../errors';
import { checkFloats, checkOptionKeys, checkWord } from '../runtime/checks';
import { roundToGrid } from '../runtime/float-grid';
import { encodeNumbers, numberTable } from './codes';
import { formatInfo, STORAGE_FORMATS, type StorageFormat } from './format';

const NAN_CODE = 0x7f;
const INFINITY_OF_E5M2 = 0x7c;
const ONE = Float32Array.of(1);

/** Of `encode`. */
export interface EncodeOptions {
  /** Default true: what is too large, and ±Infinity, becomes ± the largest number. Else NaN (E4M3FN) or ±Infinity (E5M2). */
  saturate?: boolean;
}

/** Whether |x| rounds beyond the largest number: 448 is even and keeps its tie 464, 57344 is odd and loses 61440. */
const OVERFLOWS: Readonly<Record<StorageFormat, (magnitude: number) => boolean>> = {
  e4m3fn: (magnitude) => magnitude > 464,
  e5m2: (magnitude) => magnitude >= 61440,
};

/**
 * float32 → codes of a storage format, one a byte, by ONNX's Cast: to nearest, ties to even; −0 stays −0; NaN gives NaN
 * of its sign (0x7F, 0xFF), saturating or not.
 *
 * Errors: ERR_DTYPE, ERR_ARGUMENT.
 */
export function encode(
  x: Float32Array,
  format: StorageFormat,
  options: EncodeOptions = {},
): Uint8Array<ArrayBuffer> {
  checkFloats('x', x);
  checkWord('format', format, STORAGE_FORMATS);
  checkOptionKeys('options', options, ['saturate']);
  const { saturate = true } = options;
  if (typeof saturate !== 'boolean') throw expected('ERR_ARGUMENT', 'saturate to be a boolean', saturate);
  const info = formatInfo(format);
  const codes = encodeNumbers(roundToGrid(x, info, ONE, { scaled: false }), info);
  const bits = new Uint32Array(x.buffer, x.byteOffset, x.length);
  const overflow = format === 'e5m2' ? INFINITY_OF_E5M2 : NAN_CODE;
  for (let i = 0; i < codes.length; i++) {
    const sign = (bits[i]! >>> 31) << 7;
    const magnitude = Math.abs(x[i]!);
    if (Number.isNaN(magnitude)) codes[i] = sign | NAN_CODE;
    else if (!saturate && OVERFLOWS[format](magnitude)) codes[i] = sign | overflow;
  }
  return codes;
}

/**
 * Codes of a storage format → float32, exactly. All 256 come back from `encode(…, { saturate: false })`, where every NaN
 * of a sign is one.
 *
 * Errors: ERR_DTYPE, ERR_ARGUMENT.
 */
export function decode(codes: Uint8Array, format: StorageFormat): Float32Array<ArrayBuffer> {
  if (!(codes instanceof Uint8Array)) throw expected('ERR_DTYPE', 'codes to be a Uint8Array', codes);
  checkWord('format', format, STORAGE_FORMATS);
  const table = bitsOfCodes(format);
  const x = new Float32Array(codes.length);
  // By the bits: a NaN's sign would be lost.
  const bits = new Uint32Array(x.buffer);
  for (let i = 0; i < codes.length; i++) bits[i] = table[codes[i]!]!;
  return x;
}

function bitsOfCodes(format: StorageFormat): Uint32Array {
  const table = Float32Array.from(numberTable(formatInfo(format)));
  if (format === 'e5m2') {
    table[INFINITY_OF_E5M2] = Number.POSITIVE_INFINITY;
    table[INFINITY_OF_E5M2 + 128] = Number.NEGATIVE_INFINITY;
  }
  return new Uint32Array(table.buffer).map((bits, code) =>
    Number.isNaN(table[code]!) ? 0x7fc00000 + 2 ** 24 * (code & 0x80) : bits,
  );
}
