import { expected } from '../errors';

/** Checks of single arguments at the public border. Each throws a RequantError that names the argument. */

export type Codes = Int8Array | Uint8Array;

export function checkCodes(name: string, value: unknown): asserts value is Codes {
  if (!(value instanceof Int8Array || value instanceof Uint8Array)) {
    throw expected('ERR_DTYPE', `${name} to be an Int8Array or Uint8Array`, value);
  }
}

export function checkFloats(name: string, value: unknown): asserts value is Float32Array {
  if (!(value instanceof Float32Array)) throw expected('ERR_DTYPE', `${name} to be a Float32Array`, value);
}

export function checkInt32s(name: string, value: unknown): asserts value is Int32Array {
  if (!(value instanceof Int32Array)) throw expected('ERR_DTYPE', `${name} to be an Int32Array`, value);
}

export function checkInteger(
  name: string,
  value: unknown,
  min: number,
  max: number,
): asserts value is number {
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
    throw expected('ERR_ARGUMENT', `${name} to be an integer in [${min}, ${max}]`, value);
  }
}

export function checkFinite(name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw expected('ERR_ARGUMENT', `${name} to be a finite number`, value);
  }
}

/** One of a list of words; the message lists them. */
export function checkWord<W extends string>(
  name: string,
  value: unknown,
  words: readonly W[],
): asserts value is W {
  if (!words.includes(value as W)) {
    throw expected('ERR_ARGUMENT', `${name} to be one of ${words.map((w) => `'${w}'`).join(', ')}`, value);
  }
}

/** An options bag: undefined or an object, with no unknown keys (a misspelt option must not pass in silence). */
export function checkOptionKeys(name: string, value: unknown, known: readonly string[]): void {
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw expected('ERR_ARGUMENT', `${name} to be an object`, value);
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw expected('ERR_ARGUMENT', `${name} with the keys ${known.join(', ')}`, unknown);
}
