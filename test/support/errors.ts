import { expect } from 'vitest';
import { type ErrorCode, RequantError } from '../../lib/errors';

/** That `action` throws a RequantError of this code; the message matches. */
export function expectError(action: () => unknown, code: ErrorCode, message: RegExp = /./): void {
  let caught: unknown;
  try {
    action();
  } catch (error) {
    caught = error;
  }
  check(caught, code, message);
}

export async function expectRejection(
  promise: Promise<unknown>,
  code: ErrorCode,
  message: RegExp = /./,
): Promise<void> {
  check(
    await promise.then(
      () => undefined,
      (error: unknown) => error,
    ),
    code,
    message,
  );
}

function check(caught: unknown, code: ErrorCode, message: RegExp): void {
  if (caught !== undefined && !(caught instanceof RequantError)) throw caught;
  expect(caught, `an error ${code}`).toBeInstanceOf(RequantError);
  const error = caught as RequantError;
  expect({ code: error.code, message: error.message }).toEqual({
    code,
    message: expect.stringMatching(message),
  });
}
