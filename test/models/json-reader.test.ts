import { describe, expect, it } from 'vitest';
import { parseStrictJson } from '../../lib/formats/strict-json';
import { JsonReader } from '../../lib/models/json-reader';
import { expectError } from '../support/errors';

const read = (json: string) => new JsonReader(parseStrictJson(json), 'root');

describe('JsonReader', () => {
  it('reads what is there', () => {
    const { a, b, c } = read('{"a": [1, "x"], "b": {"__proto__": 2}}').object(['a', 'b', 'c']);
    expect(a.array().map((r) => r.raw())).toEqual([1, 'x']);
    expect(b.entries().map(([key, r]) => [key, r.integer(0, 5)])).toEqual([['__proto__', 2]]);
    expect(c.isPresent).toBe(false);
    expect(c.optional((r) => r.string())).toBeUndefined();
    expect(a.optional((r) => r.array().length)).toBe(2);
    expect(read('"b"').word(['a', 'b'])).toBe('b');
    expect(read('0.5').number()).toBe(0.5);
  });

  it.each([
    ['an object', () => read('[]').object(['a']), /root to be an object/],
    ['an object, not null', () => read('null').entries(), /root to be an object/],
    ['known keys', () => read('{"z": 1}').object(['a', 'b']), /root with the keys a, b but received 'z'/],
    ['known keys, whatever their name', () => read('{"__proto__": 1}').object(['a']), /__proto__/],
    ['an array', () => read('{"a": {}}').object(['a']).a.array(), /root\.a to be an array/],
    ['a string', () => read('[1]').array()[0]!.string(), /root\[0\] to be a string/],
    ['one of the words', () => read('"c"').word(['a', 'b']), /one of a, b but received 'c'/],
    ['an integer', () => read('1.5').integer(0, 3), /an integer in \[0, 3\]/],
    ['an integer in range', () => read('4').integer(0, 3), /an integer in \[0, 3\]/],
    ['a number', () => read('"1"').number(), /a number/],
    [
      'what is missing',
      () => read('{}').object(['a']).a.string(),
      /root\.a to be a string but received undefined/,
    ],
  ])('asks for %s', (_, action, message) => {
    expectError(action, 'ERR_FORMAT', message);
  });
});
