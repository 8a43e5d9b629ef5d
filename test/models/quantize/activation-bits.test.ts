import { describe, expect, it } from 'vitest';
import {
  type Calibration,
  calibrate,
  linear,
  MLP,
  QuantizedMLP,
  type QuantizeOptions,
  quantize,
  relu,
  relu6,
  residual,
  tanh,
} from '../../../lib/index';
import { type CodesValue, codeBounds } from '../../../lib/models/graph';
import { exportOnnx, importOnnx } from '../../../lib/onnx';
import { expectSameBytes } from '../../support/bytes';
import { expectError } from '../../support/errors';
import { ACTIVATIONS, evaluateRows, randomChain, randomLinear, sqnr } from '../../support/models';
import { Seeded } from '../../support/random';

/** `activationBits: 4`: codes of 16 levels, in a byte each. */

const random = new Seeded(911);
const dense = (inFeatures: number, outFeatures: number, name: string) =>
  randomLinear(random, inFeatures, outFeatures, name);
const model = new MLP([
  dense(12, 20, 'fc1'),
  relu(),
  residual([dense(20, 20, 'fc2'), tanh(), dense(20, 20, 'fc3'), relu6()]),
  dense(20, 5, 'fc4'),
]);
const rows = new Seeded(912).normals(12 * 60);
const calibration: Promise<Calibration> = calibrate(model, rows, { method: 'minmax' });

async function codesOf(options: QuantizeOptions): Promise<Record<string, CodesValue>> {
  using quantized = quantize(model, await calibration, options);
  return Object.fromEntries(quantized.graph.values) as Record<string, CodesValue>;
}

describe('what static layers read', () => {
  it.each([
    ['asymmetric', [0, 15], [0, 255]],
    ['symmetric', [-8, 7], [-128, 127]],
  ] as const)('%s: codes and scale of 4 bits, the rest has 8', async (activations, narrow, wide) => {
    const values = await codesOf({ activationBits: 4, activations });
    const bounds = (name: string) => Object.values(codeBounds(values[name]!));
    const [input, relued] = [values['input']!, values['1']!];
    expect(bounds('input')).toEqual(narrow);
    // After a ReLU nothing is below the code of 0.
    expect(bounds('1')).toEqual([relued.zeroPoint, narrow[1]]);
    const { min, max } = (await calibration).ranges['input']!;
    const steps = activations === 'symmetric' ? Math.max(-min, max) / 7 : (max - min) / 15;
    expect(input.scale[0]).toBe(Math.fround(steps));
    // The table reads 8 bits and writes 4.
    const table = model.graph.nodes.find(({ op }) => op === 'tanh')!;
    expect(bounds(table.inputs[0]!)).toEqual(wide);
    expect(bounds(table.output)).toEqual(narrow);
  });

  it('by layer: a value has the fewest bits that a reader wishes', async () => {
    const values = await codesOf({ layers: { fc2: { activationBits: 4 } } });
    expect(Object.entries(values).filter(([, v]) => v.max === 15)).toHaveLength(1);
    expect(values['1']!.max).toBe(15);
  });
});

describe.each(['half-up', 'half-even', 'gemmlowp', 'float32'] as const)('%s', (rounding) => {
  it('files and ONNX files give the same bits; 8 bits are nearer to float', async () => {
    const chain = new MLP(randomChain(new Seeded(913), [20, 30, 6], ACTIVATIONS['relu']!));
    const x = new Seeded(914).normals(20 * 50);
    const ranges = await calibrate(chain, x, { method: 'minmax' });
    const reference = evaluateRows(chain, x);
    const quality = await Promise.all(
      ([4, 8] as const).map(async (activationBits) => {
        using narrow = quantize(chain, ranges, { activationBits, rounding });
        using loaded = await QuantizedMLP.load(narrow.toBytes());
        using fromOnnx = await importOnnx(exportOnnx(narrow));
        const output = narrow.runSync(x);
        expectSameBytes(loaded.runSync(x), output);
        expectSameBytes(fromOnnx.runSync(x), output);
        return sqnr(reference, output);
      }),
    );
    expect(quality[0]).toBeGreaterThan(5);
    expect(quality[1]).toBeGreaterThan(quality[0]! + 10);
  });
});

it('a wish of the float model is kept, and its file keeps it', async () => {
  const wishing = new MLP([
    { ...linear({ name: 'fc', inFeatures: 3, outFeatures: 2 }), quantization: { activationBits: 4 } },
  ]);
  const loaded = await MLP.load(wishing.toBytes());
  const ranges = await calibrate(loaded, new Seeded(1).normals(30));
  using quantized = quantize(loaded, ranges);
  expect(quantized.graph.values.get('input')).toMatchObject({ max: 15 });
});

it.each([
  ['5 bits', { activationBits: 5 }, 'ERR_ARGUMENT'],
  ['5 bits of a layer', { layers: { fc1: { activationBits: 5 } } }, 'ERR_UNSUPPORTED'],
  ['dynamic', { activationBits: 4, mode: 'dynamic' }, 'ERR_UNSUPPORTED'],
  ['a dynamic layer', { layers: { fc1: { activationBits: 4, mode: 'dynamic' } } }, 'ERR_UNSUPPORTED'],
  ['float8', { activationBits: 4, format: 'e4m3fn' }, 'ERR_UNSUPPORTED'],
  ['a scale a feature of the input', { activationBits: 4, inputs: 'per-feature' }, 'ERR_UNSUPPORTED'],
] as const)('refuses %s', async (_, options, code) => {
  const ranges = await calibration;
  expectError(() => quantize(model, ranges, options as unknown as QuantizeOptions), code);
});
