import { expect } from 'vitest';
import { type ErrorCode, RequantError } from '../../lib/errors';

/** xorshift32: small, seeded, the same everywhere. Returns integers in 0..limit-1. */
export function prng(seed: number): (limit: number) => number {
  let state = seed | 0 || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

export function expectCode(code: ErrorCode, run: () => unknown): RequantError {
  let error: unknown;
  try {
    run();
  } catch (thrown) {
    error = thrown;
  }
  return checkCode(code, error);
}

export async function expectRejects(code: ErrorCode, promise: Promise<unknown>): Promise<RequantError> {
  return checkCode(
    code,
    await promise.then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
}

function checkCode(code: ErrorCode, error: unknown): RequantError {
  expect(error).toBeInstanceOf(RequantError);
  const { code: received, message } = error as RequantError;
  expect(received, message).toBe(code);
  return error as RequantError;
}

/** A random fault: bytes changed, inserted, removed, copied, cut off, or a digit or token replaced. */
export function mutate(
  base: Uint8Array,
  random: (limit: number) => number,
  tokens: readonly Uint8Array[],
): Uint8Array {
  let bytes = base;
  for (let faults = 1 + random(3); faults > 0; faults--) bytes = mutateOnce(bytes, random, tokens);
  return bytes;
}

function mutateOnce(
  bytes: Uint8Array,
  random: (limit: number) => number,
  tokens: readonly Uint8Array[],
): Uint8Array {
  const at = random(bytes.length + 1);
  switch (random(8)) {
    case 0: {
      const copy = bytes.slice();
      if (at < copy.length) copy[at] = random(256);
      return copy;
    }
    case 1: {
      const copy = bytes.slice();
      if (at < copy.length) copy[at]! ^= 1 << random(8);
      return copy;
    }
    case 2:
      return splice(bytes, at, 0, Uint8Array.of(random(256)));
    case 3:
      return splice(bytes, at, 1 + random(4), new Uint8Array(0));
    case 4: {
      const from = random(bytes.length + 1);
      return splice(bytes, at, 0, bytes.slice(from, from + random(24)));
    }
    case 5:
      return bytes.slice(0, at);
    case 6: {
      // Digits are where shapes and offsets live: aim at them.
      const copy = bytes.slice();
      for (let i = 0; i < copy.length; i++) {
        const where = (at + i) % copy.length;
        const byte = copy[where]!;
        if (byte >= 0x30 && byte <= 0x39) {
          copy[where] = 0x30 + random(10);
          break;
        }
      }
      return copy;
    }
    default:
      return splice(bytes, at, random(8), tokens[random(tokens.length)]!);
  }
}

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  const tail = bytes.subarray(Math.min(bytes.length, at + remove));
  const result = new Uint8Array(at + insert.length + tail.length);
  result.set(bytes.subarray(0, at));
  result.set(insert, at);
  result.set(tail, at + insert.length);
  return result;
}
