import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { expected } from '../../errors';

/** Each message, and each string of bytes in a list, becomes an object of some hundred bytes. */
const MAX_OBJECTS = 2 ** 18;
/** Each 64-bit integer in a list becomes a bigint of some 32 bytes; a byte of the file is enough for one. */
const MAX_BIGINTS = 2 ** 22;

/**
 * Counts what a message would be decoded to, without decoding it: a few bytes of a file must not become kilobytes of
 * memory. Walks as the decoder does, which takes a field as its type says, not as its wire type does. Nothing is
 * allocated but a list of the messages that are open.
 *
 * Errors: ERR_LIMIT; an Error of another kind where the bytes are no message.
 */
export function scan(root: DescMessage, bytes: Uint8Array): void {
  const reader = new BinaryReader(bytes);
  const open = [{ end: bytes.length, fields: fieldsOf(root) }];
  let objects = 0;
  let bigints = 0;
  while (open.length > 0) {
    const { end, fields } = open.at(-1)!;
    if (reader.pos >= end) {
      open.pop();
      continue;
    }
    const [number, received] = reader.tag();
    const field = fields.get(number);
    if (field === undefined) {
      reader.skip(received, number);
      continue;
    }
    if (isObject(field)) checkCount('messages in an ONNX file', ++objects, MAX_OBJECTS);
    if (field.message !== undefined) {
      const length = reader.uint32();
      open.push({ end: reader.pos + length, fields: fieldsOf(field.message) });
      continue;
    }
    const start = reader.pos;
    skipScalars(reader, field, received);
    if (!isBigints(field)) continue;
    bigints += reader.pos - start;
    checkCount('bytes of 64-bit integers in lists of an ONNX file', bigints, MAX_BIGINTS);
  }
}

/** One element, or a packed list of them. */
function skipScalars(reader: BinaryReader, field: DescField, received: WireType): void {
  const type = wireTypeOf(field);
  const isPacked =
    field.fieldKind === 'list' && type !== WireType.LengthDelimited && received === WireType.LengthDelimited;
  if (!isPacked) {
    reader.skip(type, field.number);
    return;
  }
  const length = reader.uint32();
  const end = reader.pos + length;
  const size = type === WireType.Bit32 ? 4 : type === WireType.Bit64 ? 8 : undefined;
  if (size !== undefined) reader.pos += Math.ceil(length / size) * size;
  while (reader.pos < end) reader.skip(type, field.number);
}

/** Of one element. */
function wireTypeOf(field: DescField): WireType {
  switch (field.fieldKind === 'enum' ? undefined : field.scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.FLOAT:
      return WireType.Bit32;
    case ScalarType.DOUBLE:
      return WireType.Bit64;
    default:
      return WireType.Varint;
  }
}

function isObject({ message, fieldKind, scalar }: DescField): boolean {
  return message !== undefined || (fieldKind === 'list' && scalar === ScalarType.BYTES);
}

function isBigints({ fieldKind, scalar }: DescField): boolean {
  return fieldKind === 'list' && (scalar === ScalarType.INT64 || scalar === ScalarType.UINT64);
}

const known = new WeakMap<DescMessage, ReadonlyMap<number, DescField>>();

function fieldsOf(message: DescMessage): ReadonlyMap<number, DescField> {
  const present = known.get(message);
  if (present !== undefined) return present;
  const fields = new Map(message.fields.map((field) => [field.number, field]));
  known.set(message, fields);
  return fields;
}

function checkCount(what: string, count: number, limit: number): void {
  if (count > limit) throw expected('ERR_LIMIT', `at most ${limit} ${what}`, count);
}
