import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonObject, MAX_JSON_DEPTH, parseStrictJson } from '../../lib/formats/strict-json';
import { expectCode } from './support';

/** `JSON.parse`'s outcome, or `undefined` for a syntax error. */
function reference(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

describe('parseStrictJson', () => {
  it('gives the values of JSON.parse', () => {
    fc.assert(
      fc.property(fc.jsonValue({ depthSize: 'medium' }), fc.nat({ max: 4 }), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        // Lone surrogates are an error here only.
        if (/\\ud[89a-f]/i.test(text)) return;
        expect(JSON.stringify(parseStrictJson(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
      { numRuns: 2000 },
    );
  });

  it('accepts only what JSON.parse accepts', () => {
    const character = fc.constantFrom(...'{}[]",:\\/ \n\t0123456789.eE+-untrlfasb\u0000\u00a0é');
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 12 }), (text) => {
        const expectation = reference(text);
        if (expectation === undefined) expectCode('ERR_FORMAT', () => parseStrictJson(text));
        else {
          try {
            expect(JSON.stringify(parseStrictJson(text))).toBe(JSON.stringify(expectation.value));
          } catch (error) {
            // What is stricter here: duplicates, infinities.
            expect(String(error)).toMatch(/each JSON key once|within float64/);
          }
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it.each([
    '',
    ' ',
    '{',
    '[',
    '"',
    '"\\"',
    '"a\nb"',
    '"\\x"',
    '"\\u12g4"',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,}',
    '[1,]',
    '[,]',
    '{a:1}',
    "{'a':1}",
    '01',
    '+1',
    '1.',
    '.5',
    '1e',
    '-',
    '0x10',
    'NaN',
    'Infinity',
    'undefined',
    'True',
    'nul',
    '1 2',
    '{}{}',
    '[1}',
    '{"a":1]',
    '\ufeff{}',
    '1//x',
    '1e999',
    '-1e999',
    '"\ud800"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
  ])('refuses %j', (text) => {
    const { message } = expectCode('ERR_FORMAT', () => parseStrictJson(text));
    expect(message).toMatch(/^expected .* but received /s);
  });

  it('refuses duplicate keys, compared as decoded', () => {
    expectCode('ERR_FORMAT', () => parseStrictJson('{"a":1,"b":2,"a":1}'));
    expectCode('ERR_FORMAT', () => parseStrictJson('{"a":1,"\\u0061":2}'));
    expectCode('ERR_FORMAT', () => parseStrictJson('[{"x":{"/":1,"\\/":2}}]'));
    expectCode('ERR_FORMAT', () => parseStrictJson('{"__proto__":1,"__proto__":2}'));
    expect(parseStrictJson('[{"a":1},{"a":2}]')).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('has no prototypes: __proto__ and constructor are only keys', () => {
    const value = parseStrictJson('{"__proto__":{"polluted":true},"constructor":1,"o":{}}') as JsonObject;
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(Object.getPrototypeOf(value.o)).toBeNull();
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor', 'o']);
    expect('polluted' in value).toBe(false);
    expect('polluted' in {}).toBe(false);
    expect((parseStrictJson('{}') as JsonObject).toString).toBeUndefined();
  });

  it('limits the depth', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    parseStrictJson(nested(MAX_JSON_DEPTH));
    expectCode('ERR_FORMAT', () => parseStrictJson(nested(MAX_JSON_DEPTH + 1)));
    expectCode('ERR_FORMAT', () => parseStrictJson('['.repeat(1_000_000)));
    expectCode('ERR_FORMAT', () => parseStrictJson('{"a":'.repeat(1_000_000)));
    expectCode('ERR_FORMAT', () => parseStrictJson('[[]]', { maxDepth: 1 }));
    // Breadth is not depth.
    expect(parseStrictJson(`[${'[],'.repeat(100)}[]]`)).toHaveLength(101);
  });

  it('limits the length where asked', () => {
    parseStrictJson('[1,2]', { maxLength: 5 });
    expectCode('ERR_LIMIT', () => parseStrictJson('[1,2]', { maxLength: 4 }));
  });

  it('takes long tokens', () => {
    expect(parseStrictJson(`"${'a'.repeat(5_000_000)}"`)).toHaveLength(5_000_000);
    expect(parseStrictJson(`0.${'1'.repeat(5_000_000)}`)).toBeCloseTo(1 / 9);
    expectCode('ERR_FORMAT', () => parseStrictJson('e'.repeat(5_000_000)));
  });
});
