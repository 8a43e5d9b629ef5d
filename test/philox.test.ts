import { expect, test } from 'vitest';
import { philox, randomWords } from '../lib/philox';

const ones = 0xffffffff;

/** Known answers of Random123 1.14 (kat_vectors, philox4x32 10). */
test.each([
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [ones, ones, ones, ones],
    [ones, ones],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
] as const)('known answer %#', (counter, key, words) => {
  expect(philox(counter, key)).toEqual(words);
});

test('number i of a stream stands alone', () => {
  const take = (first: number, count: number, seed = 7) => {
    const stream = randomWords(seed, first);
    return Array.from({ length: count }, () => stream.next().value);
  };
  const all = take(0, 40);
  for (const first of [1, 3, 4, 9, 38]) expect(take(first, 2)).toEqual(all.slice(first, first + 2));
  expect(new Set(all).size).toBe(40);
  expect(take(0, 4, 8)).not.toEqual(all.slice(0, 4));
  expect(take(0, 4, 7 + 2 ** 32)).not.toEqual(all.slice(0, 4));
  expect(take(2 ** 36, 2)).not.toEqual(all.slice(0, 2));
});
