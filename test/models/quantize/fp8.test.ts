import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { gridValues, searchFormat } from '../../../lib/fp8';
import {
  type Calibration,
  calibrate,
  calibrationFromJSON,
  type Format,
  linear,
  MLP,
  QuantizedMLP,
  type QuantizeOptions,
  quantize,
  relu,
  residual,
  sigmoid,
} from '../../../lib/index';
import type { Tensor } from '../../../lib/tensor';
import { expectSameBytes } from '../../support/bytes';
import { expectError, expectRejection } from '../../support/errors';
import { get, takeApart } from '../../support/files';
import { fma32 } from '../../support/fma';
import { randomChain, randomLinear, sqnr } from '../../support/models';
import { Seeded } from '../../support/random';

/** Float8 models: saved files evaluated in plain JavaScript from docs/numerics.md and docs/model-format.md alone. */

const f = Math.fround;
const FORMATS: readonly Format[] = [
  'e4m3fn',
  'e5m2',
  { mantissa: 4, exponent: 3 },
  { mantissa: 2, exponent: 4 },
  'fp8-search',
];

interface GridJson {
  readonly format?: 'e4m3fn' | 'e5m2' | 'fp8';
  readonly scale?: string;
  readonly mantissa?: number;
  readonly exponent?: number;
  readonly max?: string;
}
interface NodeJson {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly mode?: string;
  readonly bias?: string;
  readonly weight?: { tensor: string; format: 'e4m3fn' | 'e5m2' | 'fp8'; scale?: string; fp8?: GridJson };
}

/** All numbers ≥ 0 of a grid, in the order of its codes. */
function numbersOf(grid: GridJson, tensors: ReadonlyMap<string, Tensor>, row: number): number[] {
  const held = tensors.get((grid.scale ?? grid.max)!)!.data;
  const b = held[held.length === 1 ? 0 : row]!;
  const { mantissa, exponent } = grid as { mantissa: number; exponent: number };
  const format = grid.scale ? (grid.format as 'e4m3fn' | 'e5m2') : { mantissa, exponent };
  return [...gridValues(format, b)].map(f);
}

function decoded(numbers: number[], code: number): number {
  const sign = numbers.length <= 64 ? numbers.length : 128;
  return code >= sign ? -numbers[code - sign]! : numbers[code]!;
}

/** The nearest number, the even code of two; compared in float64, where all of this is exact enough. */
function rounded(x: number, numbers: number[]): number {
  let best = 0;
  numbers.forEach((v, k) => {
    const [d, e] = [Math.abs(v - Math.abs(x)), Math.abs(numbers[best]! - Math.abs(x))];
    if (d < e || (d === e && k % 2 === 0)) best = k;
  });
  return Math.sign(x) * numbers[best]!;
}

function reference(bytes: Uint8Array, rows: Float32Array, features: number): number[] {
  const { document, tensors } = takeApart(bytes);
  const values = get(document, 'values') as Record<string, { fp8?: GridJson }>;
  const nodes = get(document, 'nodes') as NodeJson[];
  const out: number[] = [];
  for (let start = 0; start < rows.length; start += features) {
    const held = new Map([[get(document, 'input') as string, [...rows.subarray(start, start + features)]]]);
    for (const node of nodes) {
      const x = held.get(node.inputs[0]!)!;
      held.set(node.output, run(node, x, values, tensors));
    }
    out.push(...held.get(get(document, 'output') as string)!);
  }
  return out;
}

function run(
  node: NodeJson,
  x: number[],
  values: Record<string, { fp8?: GridJson }>,
  tensors: ReadonlyMap<string, Tensor>,
): number[] {
  if (node.op === 'relu') return x.map((v) => (v > 0 ? v : 0));
  if (node.op === 'quantize') {
    const numbers = numbersOf(values[node.output]!.fp8!, tensors, 0);
    return x.map((v) => rounded(v, numbers));
  }
  const { weight, bias } = node;
  const grid = weight!.format === 'fp8' ? weight!.fp8! : { format: weight!.format, scale: weight!.scale! };
  const codes = tensors.get(weight!.tensor)!;
  return Array.from({ length: codes.shape[0]! }, (_, n) => {
    const numbers = numbersOf(grid, tensors, n);
    const a = x.reduce((sum, v, k) => fma32(v, decoded(numbers, codes.data[n * x.length + k]!), sum), 0);
    return bias === undefined ? a : f(a + tensors.get(bias)!.data[n]!);
  });
}

async function small(): Promise<{ float: MLP; rows: Float32Array; calibration: Calibration }> {
  const random = new Seeded(31);
  const float = new MLP([
    randomLinear(random, 13, 17, 'fc1'),
    relu(),
    randomLinear(random, 17, 9, 'fc2'),
    relu(),
    randomLinear(random, 9, 5, 'fc3'),
  ]);
  const rows = random.normals(13 * 40);
  return { float, rows, calibration: await calibrate(float, rows, { method: 'minmax' }) };
}

describe.each(FORMATS)('%o', (format) => {
  it.each([
    ['static', {}],
    ['static', { weights: 'per-tensor' }],
    ['weight-only', {}],
  ] as const)('%s %o: the saved model in plain JavaScript, to the bit', async (mode, more) => {
    const { float, rows, calibration } = await small();
    using model = quantize(float, mode === 'static' ? calibration : null, { format, mode, ...more });
    const bytes = model.toBytes();
    const few = rows.slice(0, 13 * 6);
    expect([...model.runSync(few)]).toEqual(reference(bytes, few, 13));
    using again = await QuantizedMLP.load(bytes);
    expectSameBytes(again.toBytes(), bytes);
    expect([...again.runSync(rows)]).toEqual([...model.runSync(rows)]);
    expect(await again.run(rows)).toEqual(model.runSync(rows));
  });
});

describe('what a float8 model is', () => {
  it('is near the float model: SQNR by the format', async () => {
    const random = new Seeded(32);
    const float = new MLP(randomChain(random, [64, 96, 96, 10]));
    const rows = random.normals(64 * 300);
    const calibration = await calibrate(float, rows, { method: 'minmax' });
    const y = float.runSync(rows);
    const of = (options: QuantizeOptions) => {
      using model = quantize(float, options.mode ? null : calibration, options);
      return sqnr(y, model.runSync(rows));
    };
    expect(of({ format: 'e5m2' })).toBeGreaterThan(16);
    expect(of({ format: 'e4m3fn' })).toBeGreaterThan(of({ format: 'e5m2' }) + 4);
    expect(of({ format: { mantissa: 5, exponent: 2 } })).toBeGreaterThan(of({ format: 'e4m3fn' }) + 6);
    expect(of({ format: 'fp8-search' })).toBeGreaterThan(of({ format: { mantissa: 5, exponent: 2 } }) - 0.5);
    expect(of({ format: 'e4m3fn', mode: 'weight-only' })).toBeGreaterThan(of({ format: 'e4m3fn' }));
  });

  it('a file a quarter as large', async () => {
    const float = new MLP([
      linear({ inFeatures: 256, outFeatures: 256 }),
      relu(),
      linear({ inFeatures: 256, outFeatures: 64 }),
    ]);
    for (const format of FORMATS) {
      using model = quantize(float, null, { format, mode: 'weight-only' });
      expect(float.toBytes().length / model.toBytes().length).toBeGreaterThan(3.6);
    }
  });

  it('stages say the format; weights are stored in their own dtype', async () => {
    const { float, calibration } = await small();
    using storage = quantize(float, calibration, { format: 'e4m3fn' });
    expect(storage.stages.map(({ op, format }) => [op, format]).slice(0, 3)).toEqual([
      ['quantize', 'e4m3fn'],
      ['linear', 'e4m3fn'],
      ['relu', 'float32'],
    ]);
    expect(storage.stages[1]!.bytes).toBe(17 * 13 + 4 * 17 + 4 * 17);
    expect(takeApart(storage.toBytes()).tensors.get('fc1.weight')!.dtype).toBe('e4m3fn');
    using own = quantize(float, calibration, { format: { mantissa: 3, exponent: 4 } });
    expect(own.stages[0]!.format).toEqual({ mantissa: 3, exponent: 4 });
    expect(takeApart(own.toBytes()).tensors.get('fc1.weight')!.dtype).toBe('uint8');
    expect([storage.input.dtype, storage.output.dtype]).toEqual(['float32', 'float32']);
  });

  it('the weight’s grid: max|w| of each output feature, or what was wished', async () => {
    const { float, calibration } = await small();
    const weight = (float.layers[0] as unknown as { weight: Float32Array }).weight;
    const largest = Array.from({ length: 17 }, (_, n) =>
      weight.subarray(13 * n, 13 * n + 13).reduce((a, b) => Math.max(a, Math.abs(b)), 0),
    );
    const gridOf = (options: QuantizeOptions, name: string) => {
      using model = quantize(float, calibration, options);
      return [...takeApart(model.toBytes()).tensors.get(name)!.data];
    };
    const own = { mantissa: 3, exponent: 4 };
    expect(gridOf({ format: 'e4m3fn' }, 'fc1.weight_scale')).toEqual(largest.map((m) => f(m / 448)));
    expect(gridOf({ format: own }, 'fc1.weight_max')).toEqual(largest);
    expect(gridOf({ format: own, weights: 'per-tensor' }, 'fc1.weight_max')).toEqual([Math.max(...largest)]);
    expect(gridOf({ format: { ...own, max: 2.5 } }, 'fc1.weight_max')).toEqual([2.5]);
    const scale = Float32Array.from({ length: 17 }, (_, n) => 1 + n / 16);
    expect(gridOf({ layers: { fc1: { format: own, scale } } }, 'fc1.weight_max')).toEqual([...scale]);
    expect(gridOf({ format: 'fp8-search' }, 'fc1.weight_max')).toEqual([
      ...searchFormat(weight, { rows: 17 }).max,
    ]);
    const { min, max } = calibration.ranges['input']!;
    expect(gridOf({ format: own }, 'input.fp8.value_max')).toEqual([Math.max(-min, max)]);
    expect(gridOf({ format: 'e5m2' }, 'input.fp8.value_scale')).toEqual([f(Math.max(-min, max) / 57344)]);
    expect(gridOf({ format: 'fp8-search' }, 'input.fp8.value_max')).toEqual([
      ...searchFormat(calibration.kept).max,
    ]);
  });

  it('a layer of zeros, tiny and huge weights', () => {
    for (const value of [0, 2 ** -149, 1e-29, 3.4e38])
      for (const format of FORMATS) {
        const weight = new Float32Array(8).fill(value);
        const float = new MLP([linear({ inFeatures: 4, outFeatures: 2, weight, bias: false })]);
        using model = quantize(float, null, { format, mode: 'weight-only' });
        const y = model.runSync(Float32Array.of(1, 0, 0, 0))[0]!;
        if (value === 0 || value < 1e-36) expect(Math.abs(y)).toBeLessThan(1e-36);
        else expect(Math.abs(y / value - 1)).toBeLessThan(0.2);
      }
  });
});

describe('mixed models', () => {
  it('int8, float8, weight-only and float layers in one', async () => {
    const random = new Seeded(33);
    const float = new MLP([
      randomLinear(random, 16, 16, 'a'),
      relu(),
      residual([randomLinear(random, 16, 16, 'b'), sigmoid(), randomLinear(random, 16, 16, 'c')]),
      randomLinear(random, 16, 8, 'd'),
      relu(),
      randomLinear(random, 8, 4, 'e'),
    ]);
    const rows = random.normals(16 * 100);
    const calibration = await calibrate(float, rows, { method: 'minmax' });
    using model = quantize(float, calibration, {
      layers: {
        b: { format: 'e4m3fn' },
        c: { format: { mantissa: 4, exponent: 3 } },
        d: { format: 'e5m2', mode: 'weight-only' },
        e: { format: 'fp8-search' },
      },
    });
    const modes = model.graph.nodes
      .filter((node) => node.op === 'linear')
      .map((node) => node.op === 'linear' && node.mode);
    expect(modes).toEqual(['static', 'fp8', 'fp8', 'weight-only', 'fp8']);
    using again = await QuantizedMLP.load(model.toBytes());
    expect([...again.runSync(rows)]).toEqual([...model.runSync(rows)]);
    expect(sqnr(float.runSync(rows), model.runSync(rows))).toBeGreaterThan(15);
  });

  it('layers that share an input share its grid, where the format is the same', async () => {
    const random = new Seeded(34);
    const float = new MLP([
      residual([randomLinear(random, 6, 6, 'a')]),
      residual([randomLinear(random, 6, 6, 'b')]),
    ]);
    const calibration = await calibrate(float, random.normals(60), { method: 'minmax' });
    using model = quantize(float, calibration, { format: 'e4m3fn', output: 'int8' });
    expect(model.stages.filter(({ op }) => op === 'quantize').length).toBeGreaterThanOrEqual(2);
    expect(model.output.dtype).toBe('int8');
    const wide = new MLP([
      {
        type: 'concat',
        branches: [
          [randomLinear(random, 6, 2, 'x')],
          [randomLinear(random, 6, 3, 'y')],
          [randomLinear(random, 6, 3, 'z')],
        ],
      } as never,
    ]);
    const ranges = await calibrate(wide, random.normals(60), { method: 'minmax' });
    using shared = quantize(wide, ranges, { format: 'e4m3fn', layers: { z: { format: 'e5m2' } } });
    expect(shared.stages.filter(({ op }) => op === 'quantize').map(({ output }) => output)).toEqual([
      'input.fp8',
      "input.fp8'",
    ]);
  });

  it('a layer may ask for it', async () => {
    const { rows } = await small();
    const random = new Seeded(35);
    const float = new MLP([{ ...randomLinear(random, 13, 4, 'fc'), quantization: { format: 'e5m2' } }]);
    using model = quantize(float, await calibrate(float, rows), {});
    expect(model.stages.map(({ format }) => format)).toEqual(['e5m2', 'e5m2']);
    using again = quantize(await MLP.load(float.toBytes()), await calibrate(float, rows), {});
    expect(again.toBytes()).toEqual(model.toBytes());
  });

  it('a scale that was chosen for int8 is not float8’s', () => {
    const weight = Float32Array.of(1, -2, 3, 4);
    const scale = Float32Array.of(4 / 127);
    const fc = linear({ inFeatures: 4, outFeatures: 1, weight, bias: false, name: 'fc' });
    using model = quantize(new MLP([{ ...fc, quantization: { scale } }]), null, {
      format: 'e4m3fn',
      mode: 'weight-only',
    });
    expect([...takeApart(model.toBytes()).tensors.get('fc.weight_scale')!.data]).toEqual([f(4 / 448)]);
  });
});

describe('errors', () => {
  it('NaN: an error that names it, or 0', async () => {
    const { float, calibration } = await small();
    const rows = new Float32Array(26);
    rows[15] = Number.NaN;
    using model = quantize(float, calibration, { format: 'e4m3fn' });
    expectError(() => model.runSync(rows), 'ERR_NAN_INPUT', /row 1, column 2/);
    await expectRejection(model.run(rows), 'ERR_NAN_INPUT', /row 1, column 2/);
    using zero = quantize(float, calibration, { format: 'e4m3fn', onNaN: 'zero' });
    expect([...zero.runSync(rows)]).toEqual([...zero.runSync(new Float32Array(26))]);
    rows[15] = Number.POSITIVE_INFINITY;
    expect(model.runSync(rows).every(Number.isFinite)).toBe(true);
  });

  it('what a calibration must have', async () => {
    const { float, calibration } = await small();
    const loaded = calibrationFromJSON(JSON.parse(JSON.stringify(calibration)));
    expectError(() => quantize(float, loaded, { format: 'fp8-search' }), 'ERR_ARGUMENT', /kept rows/);
    expectError(() => quantize(float, null, { format: 'e4m3fn' }), 'ERR_ARGUMENT', /a range/);
    using model = quantize(float, loaded, { format: 'e4m3fn' });
    expect(model.stages.length).toBeGreaterThan(0);
  });

  it('weights that are not finite', () => {
    const weight = Float32Array.of(1, Number.NaN);
    const float = new MLP([linear({ inFeatures: 2, outFeatures: 1, weight })]);
    for (const format of FORMATS)
      expectError(() => quantize(float, null, { format, mode: 'weight-only' }), 'ERR_ARGUMENT', /finite/);
  });
});

it('the bits of a small model, pinned', async () => {
  const { float, rows, calibration } = await small();
  const hashes = FORMATS.map((format) => {
    using model = quantize(float, calibration, { format });
    return createHash('sha256').update(model.runSync(rows)).digest('hex').slice(0, 16);
  });
  expect(hashes).toEqual([
    '52c1b62d230d70c7',
    '0d488a1002d6695c',
    '3ab3cb04e25e48d8',
    'dc4ab37340dc8051',
    'b8d48725bfa41cba',
  ]);
});
