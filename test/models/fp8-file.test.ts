import { beforeAll, describe, expect, it } from 'vitest';
import { calibrate, load, MLP, quantize, relu } from '../../lib/index';
import { float8Tensor, tensor } from '../../lib/tensor';
import { expectRejection } from '../support/errors';
import { get, type ModelFile, putTogether, set, takeApart } from '../support/files';
import { randomLinear } from '../support/models';
import { Seeded } from '../support/random';

/** Float8 in files: what may stand there, and the code of what may not. */

type Edit = readonly [path: string, value: unknown];
type More = (file: ModelFile) => void;

const random = new Seeded(161);
const float = new MLP([randomLinear(random, 4, 6, 'a'), relu(), randomLinear(random, 6, 3, 'b')]);
const files = new Map<string, Uint8Array>();
/** Of each file: 0 is the quantize node, 1 the linear node 'a'. */
const WEIGHT = 'nodes/1/weight';
const VALUE = 'values/input.fp8';

beforeAll(async () => {
  const ranges = await calibrate(float, random.normals(4 * 40), { method: 'minmax' });
  files.set('e4m3fn', quantize(float, ranges, { format: 'e4m3fn' }).toBytes());
  files.set('e5m2', quantize(float, ranges, { format: 'e5m2' }).toBytes());
  files.set('own', quantize(float, ranges, { format: { mantissa: 3, exponent: 3 } }).toBytes());
});

function edited(kind: string, edits: readonly Edit[], more: More = () => {}): Uint8Array {
  const file = takeApart(files.get(kind)!);
  for (const [path, value] of edits) set(file.document, path, value);
  more(file);
  return putTogether(file);
}

const replaced =
  (name: string, values: number[]): More =>
  ({ tensors }) =>
    tensors.set(name, tensor(Float32Array.from(values)));

const withCode =
  (code: number): More =>
  ({ tensors }) => {
    tensors.get('a.weight')!.data[5] = code;
  };

it('the files of this page are good', async () => {
  for (const [kind, bytes] of files) {
    expect(putTogether(takeApart(bytes)), kind).toEqual(bytes);
    using model = await load(bytes);
    expect(model.toBytes()).toEqual(bytes);
  }
});

it('is what docs/model-format.md says', () => {
  const own = takeApart(files.get('own')!);
  expect(get(own.document, VALUE)).toEqual({
    features: 4,
    dtype: 'fp8',
    fp8: { mantissa: 3, exponent: 3, max: 'input.fp8.value_max' },
  });
  expect(get(own.document, WEIGHT)).toEqual({
    tensor: 'a.weight',
    format: 'fp8',
    fp8: { mantissa: 3, exponent: 3, max: 'a.weight_max' },
  });
  expect(get(own.document, 'nodes/1/mode')).toBe('fp8');
  const storage = takeApart(files.get('e5m2')!);
  expect(get(storage.document, VALUE)).toEqual({
    features: 4,
    dtype: 'fp8',
    fp8: { format: 'e5m2', scale: 'input.fp8.value_scale' },
  });
  expect(get(storage.document, WEIGHT)).toEqual({
    tensor: 'a.weight',
    format: 'e5m2',
    scale: 'a.weight_scale',
  });
});

const WRONG: readonly (readonly [string, string, readonly Edit[], More?])[] = [
  ['a NaN code of E4M3FN', 'e4m3fn', [], withCode(0x7f)],
  ['a negative NaN code of E4M3FN', 'e4m3fn', [], withCode(0xff)],
  ['Infinity of E5M2', 'e5m2', [], withCode(0x7c)],
  ['a NaN code of E5M2', 'e5m2', [], withCode(0xfe)],
  ['a code of more bits than the format has', 'own', [], withCode(0x80)],
  ['a scale of 0', 'e4m3fn', [], replaced('a.weight_scale', [1, 1, 0, 1, 1, 1])],
  ['a negative scale', 'e4m3fn', [], replaced('a.weight_scale', [1, 1, -1, 1, 1, 1])],
  ['a scale that is NaN', 'e5m2', [], replaced('a.weight_scale', [Number.NaN])],
  ['a scale beyond 2^119', 'e4m3fn', [], replaced('a.weight_scale', [2 ** 119.5])],
  ['a scale beyond 2^112', 'e5m2', [], replaced('a.weight_scale', [2 ** 113])],
  ['an infinite largest number', 'own', [], replaced('a.weight_max', [Number.POSITIVE_INFINITY])],
  ['a largest number below 2^-100', 'own', [], replaced('a.weight_max', [2 ** -101])],
  ['scales of another number', 'e4m3fn', [], replaced('a.weight_scale', [1, 1])],
  ['a value’s scale of 0', 'e4m3fn', [], replaced('input.fp8.value_scale', [0])],
  ['two scales of a value', 'e4m3fn', [], replaced('input.fp8.value_scale', [1, 1])],
  ['no scale', 'e4m3fn', [[`${WEIGHT}/scale`, undefined]]],
  ['a scale of other formats', 'own', [[`${WEIGHT}/scale`, 'a.weight_max']]],
  ['fp8 parameters of storage formats', 'e4m3fn', [[`${WEIGHT}/fp8`, {}]]],
  ['no fp8 parameters', 'own', [[`${WEIGHT}/fp8`, undefined]]],
  ['unknown fp8 parameters', 'own', [[`${WEIGHT}/fp8/bias`, 7]]],
  ['a format inside of weights’ parameters', 'own', [[`${WEIGHT}/fp8/format`, 'e5m2']]],
  ['9 bits', 'own', [[`${WEIGHT}/fp8/exponent`, 5]]],
  ['7 bits of mantissa', 'own', [[`${WEIGHT}/fp8/mantissa`, 7]]],
  ['no exponent', 'own', [[`${WEIGHT}/fp8/exponent`, 0]]],
  ['half a bit', 'own', [[`${WEIGHT}/fp8/mantissa`, 2.5]]],
  ['a zero point', 'e4m3fn', [[`${WEIGHT}/zeroPoint`, 'b.weight_scale']]],
  ['groups', 'e4m3fn', [[`${WEIGHT}/groupSize`, 32]]],
  ['the other storage format’s tensor', 'e4m3fn', [[`${WEIGHT}/format`, 'e5m2']]],
  [
    'a storage format’s tensor as bytes',
    'e4m3fn',
    [],
    ({ tensors }) => tensors.set('a.weight', tensor(new Uint8Array(24), [6, 4])),
  ],
  [
    'bytes as a storage format’s tensor',
    'own',
    [],
    ({ tensors }) => tensors.set('a.weight', float8Tensor('e4m3fn', new Uint8Array(24), [6, 4])),
  ],
  ['another format', 'e4m3fn', [[`${WEIGHT}/format`, 'e3m4']]],
  ['mode static', 'e4m3fn', [['nodes/1/mode', 'static']]],
  ['mode dynamic', 'e4m3fn', [['nodes/1/mode', 'dynamic']]],
  ['mode float', 'e4m3fn', [['nodes/1/mode', 'float']]],
  ['weight-only on float8 inputs', 'e4m3fn', [['nodes/1/mode', 'weight-only']]],
  ['mode fp8 on float32 inputs', 'e4m3fn', [['nodes/1/inputs', ['input']]]],
  ['a rounding', 'e4m3fn', [['nodes/1/rounding', 'half-up']]],
  ['a value without fp8', 'e4m3fn', [[`${VALUE}/fp8`, undefined]]],
  ['a value with a scale beside fp8', 'e4m3fn', [[`${VALUE}/scale`, 'input.fp8.value_scale']]],
  ['a value with a clamp', 'e4m3fn', [[`${VALUE}/max`, 3]]],
  ['a value of both forms', 'e4m3fn', [[`${VALUE}/fp8/mantissa`, 3]]],
  ['a value of no format but a scale', 'e4m3fn', [[`${VALUE}/fp8/format`, undefined]]],
  ['a value of an unknown format', 'e4m3fn', [[`${VALUE}/fp8/format`, 'fp8']]],
  [
    'fp8 of a float32 value',
    'e4m3fn',
    [['values/a/fp8', { format: 'e4m3fn', scale: 'input.fp8.value_scale' }]],
  ],
  [
    'float8 read by a relu',
    'e4m3fn',
    [
      ['nodes/2/inputs', ['input.fp8']],
      ['values/1/features', 4],
    ],
  ],
  [
    'float8 written by a layer',
    'e4m3fn',
    [
      ['values/b/dtype', 'fp8'],
      ['values/b/fp8', { format: 'e4m3fn', scale: 'input.fp8.value_scale' }],
    ],
  ],
  [
    'a float8 input',
    'e4m3fn',
    [
      ['values/input/dtype', 'fp8'],
      ['values/input/fp8', { format: 'e4m3fn', scale: 'input.fp8.value_scale' }],
    ],
  ],
  ['a float8 output', 'e4m3fn', [['output', 'input.fp8']]],
  ['a float model', 'e4m3fn', [['kind', 'float']]],
];

describe('ERR_FORMAT', () => {
  for (const [name, kind, edits, more] of WRONG) {
    it(name, async () => {
      await expectRejection(load(edited(kind, edits, more)), 'ERR_FORMAT', /^expected /);
    });
  }
});

it('one scale for all output features', async () => {
  using model = await load(edited('e4m3fn', [], replaced('a.weight_scale', [0.5])));
  expect(model.runSync(new Float32Array(4))).toHaveLength(3);
});
