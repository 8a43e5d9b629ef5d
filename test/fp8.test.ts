import { expect, it } from 'vitest';
import * as entry from '../lib/fp8';

it('exports what the entry point promises and nothing else', () => {
  expect(Object.keys(entry).sort()).toEqual([
    'decode',
    'defaultMax',
    'encode',
    'gridValues',
    'quantizeFp8',
    'searchFormat',
  ]);
});
