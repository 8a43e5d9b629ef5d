import { expect, it } from 'vitest';
import * as entry from '../lib/fp8';

it('exports what the entry point promises and nothing else', () => {
  expect(Object.keys(entry).sort()).toEqual([
    'bestMax',
    'decode',
    'defaultMax',
    'density',
    'encode',
    'expectedError',
    'expectedProductError',
    'fromBfloat16',
    'gaussian',
    'gradients',
    'gridValues',
    'learnFormat',
    'quantizeFp8',
    'roundStochastic',
    'searchFormat',
    'studentT',
    'toBfloat16',
    'uniform',
  ]);
});
