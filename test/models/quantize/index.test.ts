import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Calibration,
  calibrate,
  calibrationFromJSON,
  concat,
  load,
  MLP,
  QuantizedMLP,
  type QuantizeOptions,
  quantize,
  residual,
  softmax,
} from '../../../lib/index';
import { expectSameBytes } from '../../support/bytes';
import { takeApart } from '../../support/files';
import { ACTIVATIONS, evaluateRows, randomChain, randomLinear, sqnr } from '../../support/models';
import { Seeded } from '../../support/random';

/** `quantize` as a user calls it: the signal that is left with every option, on every kind of model. */

const calibrationRows = new Seeded(181).normals(12 * 600);
const rows = new Seeded(182).normals(12 * 200);

const models = new Map<string, MLP>();
const prepared = new Map<string, { ranges: Calibration; reference: number[] }>();
for (const [name, activation] of Object.entries(ACTIVATIONS)) {
  models.set(name, new MLP(randomChain(new Seeded(183), [12, 40, 32, 6], activation)));
}
const random = new Seeded(184);
const { gelu, relu, tanh } = ACTIVATIONS as Record<
  'gelu' | 'relu' | 'tanh',
  () => ReturnType<(typeof ACTIVATIONS)[string]>
>;
models.set(
  'residual',
  new MLP([
    randomLinear(random, 12, 24, 'a'),
    residual([gelu(), randomLinear(random, 24, 24, 'b')]),
    relu(),
    residual([randomLinear(random, 24, 48, 'c'), residual([tanh()]), randomLinear(random, 48, 24, 'd')]),
    randomLinear(random, 24, 5, 'e'),
  ]),
);
models.set(
  'concat',
  new MLP([
    concat([[randomLinear(random, 12, 16, 'a'), relu()], [], [randomLinear(random, 12, 8, 'b'), tanh()]]),
    randomLinear(random, 36, 24, 'c'),
    concat([[gelu()], [residual([relu()])]]),
    randomLinear(random, 48, 5, 'd'),
  ]),
);
models.set('lastSoftmax', new MLP([...models.get('relu')!.layers, softmax()]));

beforeAll(async () => {
  for (const [name, model] of models) {
    const ranges = await calibrate(model, calibrationRows, { method: 'minmax' });
    prepared.set(name, { ranges, reference: evaluateRows(model, rows) });
  }
});

const OPTIONS: readonly QuantizeOptions[] = [
  {},
  { rounding: 'half-even' },
  { rounding: 'gemmlowp' },
  { rounding: 'float32' },
  { weights: 'per-tensor' },
  { activations: 'symmetric' },
  { activations: 'symmetric', weights: 'per-tensor', rounding: 'float32', output: 'int8' },
  { output: 'int8' },
  { output: 'uint8' },
  { mode: 'dynamic' },
  { mode: 'dynamic', weights: 'per-tensor', output: 'uint8' },
  { mode: 'weight-only' },
  { mode: 'weight-only', weights: 'per-tensor', output: 'int8' },
  { format: 'float32' },
];

describe.each([...models.keys()])('%s', (name) => {
  it.each(OPTIONS)('%o: more than 20 dB, the same bytes after save and load', async (options) => {
    const { ranges, reference } = prepared.get(name)!;
    const model = models.get(name)!;
    using quantized = quantize(model, ranges, options);
    const actual = quantized.runSync(rows);
    const bound =
      options.format === 'float32'
        ? 100
        : options.mode === 'weight-only' && options.output === undefined
          ? 30
          : 20;
    expect(sqnr(reference, actual)).toBeGreaterThan(bound);

    const bytes = quantized.toBytes();
    expectSameBytes(quantize(model, ranges, options).toBytes(), bytes);
    using again = await QuantizedMLP.load(bytes);
    expectSameBytes(again.toBytes(), bytes);
    expectSameBytes(again.runSync(rows), actual);
    expect(again.rounding).toBe(options.rounding ?? 'half-up');
    expect(again.output.dtype).toBe(options.output ?? 'float32');
  });

  it('a row alone is the row in a batch', () => {
    const { ranges } = prepared.get(name)!;
    for (const options of OPTIONS) {
      using quantized = quantize(models.get(name)!, ranges, options);
      const batch = quantized.runSync(rows);
      const width = quantized.outFeatures;
      for (const row of [0, 100, 199]) {
        const alone = quantized.runSync(rows.slice(12 * row, 12 * (row + 1)));
        expectSameBytes(alone, batch.slice(width * row, width * (row + 1)));
      }
    }
  });
});

describe('mixed models, by layer name', () => {
  it.each<Record<string, QuantizeOptions['layers'] & object>>([
    { layers: { fc1: { mode: 'dynamic' } } },
    { layers: { fc2: { mode: 'weight-only' } } },
    { layers: { fc3: { format: 'float32' } } },
    { layers: { fc1: { format: 'float32' }, fc2: { mode: 'dynamic' }, fc3: { mode: 'weight-only' } } },
  ])('%o', async ({ layers }) => {
    const { ranges, reference } = prepared.get('relu')!;
    using quantized = quantize(models.get('relu')!, ranges, { layers: layers! });
    const modes = (
      takeApart(quantized.toBytes()).document as { nodes: { op: string; name: string; mode: string }[] }
    ).nodes
      .filter(({ op }) => op === 'linear')
      .map(({ name, mode }) => [name, mode]);
    const expected = (name: string) =>
      layers![name]?.format === 'float32' ? 'float' : (layers![name]?.mode ?? 'static');
    expect(modes).toEqual(['fc1', 'fc2', 'fc3'].map((name) => [name, expected(name)]));
    expect(sqnr(reference, quantized.runSync(rows))).toBeGreaterThan(25);
    using again = await load(quantized.toBytes());
    expect(again.runSync(rows)).toEqual(quantized.runSync(rows));
  });
});

it('leaves the float model untouched', () => {
  for (const [name, model] of models) {
    const bytes = model.toBytes();
    const before = model.runSync(rows);
    const ranges = structuredClone({ ...prepared.get(name)!.ranges, toJSON: undefined });
    for (const options of OPTIONS) quantize(model, prepared.get(name)!.ranges, options).dispose();
    expectSameBytes(model.toBytes(), bytes);
    expectSameBytes(model.runSync(rows), before);
    expect({ ...prepared.get(name)!.ranges, toJSON: undefined }).toEqual(ranges);
  }
});

it('float32 everywhere is the float model to the bit', () => {
  const { ranges } = prepared.get('concat')!;
  using copy = quantize(models.get('concat')!, ranges, { format: 'float32' });
  expect(copy.runSync(rows)).toEqual(models.get('concat')!.runSync(rows));
});

it('takes ranges that have been JSON, and needs none where nothing is static', () => {
  const model = models.get('residual')!;
  const { ranges } = prepared.get('residual')!;
  const parsed = calibrationFromJSON(JSON.parse(JSON.stringify(ranges)));
  expect(quantize(model, parsed).toBytes()).toEqual(quantize(model, ranges).toBytes());
  for (const options of [
    { mode: 'dynamic' },
    { mode: 'weight-only' },
    { format: 'float32' },
  ] as QuantizeOptions[]) {
    using without = quantize(model, null, options);
    using with_ = quantize(model, ranges, options);
    expect(without.runSync(rows)).toEqual(with_.runSync(rows));
  }
});

it('records what it did', () => {
  const { ranges } = prepared.get('relu')!;
  const model = models.get('relu')!;
  const record = (quantized: QuantizedMLP) =>
    (takeApart(quantized.toBytes()).document as { record: object[] }).record;
  const defaults = {
    step: 'quantize',
    mode: 'static',
    rounding: 'half-up',
    weights: 'per-channel',
    activations: 'asymmetric',
    inputs: 'per-tensor',
    output: 'float32',
  };
  expect(record(quantize(model, ranges))).toEqual([
    { step: 'calibrate', method: 'minmax', rows: 600 },
    defaults,
  ]);
  expect(record(quantize(model, null, { mode: 'dynamic' }))).toEqual([{ ...defaults, mode: 'dynamic' }]);
});

it('describes the stages', () => {
  const { ranges } = prepared.get('tanh')!;
  const { stages } = quantize(models.get('tanh')!, ranges);
  expect(stages.map(({ name, op, format }) => `${name} ${op} ${format}`)).toEqual([
    'fc1 linear int8',
    '1 tanh int8',
    'fc2 linear int8',
    '3 tanh int8',
    'fc3 linear int8',
  ]);
  expect(stages[0]!.bytes).toBe(40 * 12 + 4 * 40 + 4 * 40);
  expect(stages[1]!.bytes).toBe(256);
});
