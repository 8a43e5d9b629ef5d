import { describe, expect, it } from 'vitest';
import {
  checkCodes,
  checkFinite,
  checkFloats,
  checkInt32s,
  checkInteger,
  checkOptionKeys,
  checkWord,
} from '../../lib/runtime/checks';
import { expectError } from '../support/errors';

describe('typed arrays', () => {
  it.each([
    [checkCodes, new Int8Array(1)],
    [checkCodes, new Uint8Array(1)],
    [checkCodes, Buffer.alloc(1)],
    [checkFloats, new Float32Array(1)],
    [checkInt32s, new Int32Array(1)],
  ] as const)('takes %o %o', (check: (name: string, value: unknown) => void, value) => {
    check('x', value);
  });

  it.each([
    [checkCodes, new Uint8ClampedArray(1)],
    [checkCodes, [1]],
    [checkCodes, new ArrayBuffer(1)],
    [checkFloats, new Float64Array(1)],
    [checkFloats, null],
    [checkInt32s, new Uint32Array(1)],
    [checkInt32s, undefined],
  ] as const)('refuses %o %o', (check: (name: string, value: unknown) => void, value) => {
    expectError(() => check('x', value), 'ERR_DTYPE', /x to be an? /);
  });
});

describe('numbers', () => {
  it('integers in a range', () => {
    checkInteger('n', 3, 3, 5);
    checkInteger('n', 5, 3, 5);
    for (const value of [2, 6, 3.5, Number.NaN, Infinity, '4', 4n, null, undefined]) {
      expectError(() => checkInteger('n', value, 3, 5), 'ERR_ARGUMENT', /n to be an integer in \[3, 5\]/);
    }
  });

  it('finite numbers', () => {
    checkFinite('n', -0.5);
    for (const value of [Number.NaN, Infinity, -Infinity, '1', null]) {
      expectError(() => checkFinite('n', value), 'ERR_ARGUMENT', /n to be a finite number/);
    }
  });
});

it('words of a list', () => {
  checkWord('mode', 'b', ['a', 'b']);
  expectError(
    () => checkWord('mode', 'c', ['a', 'b']),
    'ERR_ARGUMENT',
    /mode to be one of 'a', 'b' but received 'c'/,
  );
});

describe('option bags', () => {
  it('may be missing, empty or partly given', () => {
    for (const options of [undefined, {}, { a: 1 }, { a: undefined, b: 2 }])
      checkOptionKeys('options', options, ['a', 'b']);
  });

  it.each([null, 5, 'a', [], () => {}])('refuses %o', (value) => {
    expectError(() => checkOptionKeys('options', value, ['a']), 'ERR_ARGUMENT', /options to be an object/);
  });

  it('refuses unknown keys', () => {
    expectError(
      () => checkOptionKeys('options', { c: 1 }, ['a', 'b']),
      'ERR_ARGUMENT',
      /keys a, b but received 'c'/,
    );
    expect(() => checkOptionKeys('options', { a: 1 }, ['a'])).not.toThrow();
  });
});
