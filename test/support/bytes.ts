import { expect } from 'vitest';

type Bytes = Float32Array | Int8Array | Uint8Array;

/** Equal type, length and bits. `toEqual` says the same, much more slowly, and shows the difference. */
export function expectSameBytes(actual: Bytes, expected: Bytes): void {
  const same =
    actual.constructor === expected.constructor &&
    Buffer.compare(
      new Uint8Array(actual.buffer, actual.byteOffset, actual.byteLength),
      new Uint8Array(expected.buffer, expected.byteOffset, expected.byteLength),
    ) === 0;
  if (!same) {
    expect(actual).toEqual(expected);
    expect.fail('bits that differ in the sign of a zero or in a NaN');
  }
}
