import { RequantError } from '../errors';

/** A non-negative safe integer. -0 is refused: it prints as 0 and compares unlike it in `Object.is`. */
export function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
}

/** The product of the sizes, or `undefined` where a partial product is not a safe integer. */
export function elementCount(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    // Two safe integers: a product above 2^53 rounds to at least 2^53, so the test cannot miss it.
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/**
 * Zeroed bytes, aligned for every typed array.
 * @throws {RequantError} ERR_MEMORY where the engine refuses the size.
 */
export function allocateBytes(length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw outOfMemory(length, cause);
  }
}

/**
 * Zeros.
 * @throws {RequantError} ERR_MEMORY
 */
export function allocateFloats(length: number): Float32Array<ArrayBuffer> {
  try {
    return new Float32Array(length);
  } catch (cause) {
    throw outOfMemory(4 * length, cause);
  }
}

/**
 * A copy in memory of its own.
 * @throws {RequantError} ERR_MEMORY
 */
export function copyBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = allocateBytes(bytes.length);
  copy.set(bytes);
  return copy;
}

function outOfMemory(bytes: number, cause: unknown): RequantError {
  return new RequantError('ERR_MEMORY', `cannot allocate ${bytes} bytes`, { cause });
}
