import { describe, expect, it } from 'vitest';
import { node, tensor, value } from '../../../../../lib/formats/onnx';
import { load, type Model, QuantizedMLP } from '../../../../../lib/index';
import { expectRejection } from '../../../../support/errors';
import { OnnxWriter } from '../../../../support/onnx-writer';

const FEATURES = 2;
const floatIn = [value('x', 'float32', ['n', FEATURES])];

/** x → QuantizeLinear → DequantizeLinear, the codes and the value. */
function input(write: OnnxWriter): { codes: string; float: string; grid: [string, string] } {
  const grid = write.grid('uint8', 0.5, 128);
  const codes = write.add('QuantizeLinear', ['x', ...grid]);
  return { codes, float: write.add('DequantizeLinear', [codes, ...grid]), grid };
}

/** A constant [2, 2] behind a DequantizeLinear. */
function weight(write: OnnxWriter, data = [1, 2, -3, 4]): string {
  const codes = write.codes('int8', data, [2, 2]);
  return write.add('DequantizeLinear', [codes, write.floats([0.25]), write.codes('int8', [0], [])]);
}

function file(
  write: OnnxWriter,
  output: string,
  dtype: 'float32' | 'uint8' | 'int8' = 'float32',
  features = 2,
) {
  return write.bytes(floatIn, [value(output, dtype, ['n', features])]);
}

const ops = (model: Model) => model.stages.map(({ op }) => op);
const bounds = (model: QuantizedMLP, name: string) => {
  const { min, max } = model.graph.values.get(name) as { min?: number; max?: number };
  return [min, max];
};

describe('what becomes of conversions', () => {
  it('a linear node between them is one of integers, a Relu in front of the second one a bound', async () => {
    const write = new OnnxWriter();
    const y = write.add('Relu', [write.add('Gemm', [input(write).float, weight(write)])]);
    const codes = write.add('QuantizeLinear', [y, ...write.grid('uint8', 0.5, 10)]);
    const model = await QuantizedMLP.load(file(write, codes, 'uint8'));
    expect(ops(model)).toEqual(['linear']);
    expect(model.input).toMatchObject({ dtype: 'uint8', zeroPoint: 128 });
    expect(model.output).toMatchObject({ dtype: 'uint8', zeroPoint: 10 });
    expect(bounds(model, codes)).toEqual([10, undefined]);
    // x = [1, −1]: [1·0.25 − 3·−0.25·…] = [1, −0.5]
    expect([...model.runSync(Float32Array.of(1, -1), new Uint8Array(2))]).toEqual([12, 10]);
  });

  it('a Relu between conversions of one grid is a bound too, one between two grids a table', async () => {
    for (const [scale, expected] of [
      [0.5, ['linear', 'dequantize']],
      [0.25, ['linear', 'relu', 'dequantize']],
    ] as const) {
      const write = new OnnxWriter();
      const first = write.grid('uint8', 0.5, 100);
      const q = write.add('QuantizeLinear', [
        write.add('Gemm', [input(write).float, weight(write)]),
        ...first,
      ]);
      const y = write.add('Relu', [write.add('DequantizeLinear', [q, ...first])]);
      const next = write.grid('uint8', scale, 100);
      const out = write.add('DequantizeLinear', [write.add('QuantizeLinear', [y, ...next]), ...next]);
      const model = await load(file(write, out));
      expect(ops(model)).toEqual(expected);
      expect([...model.runSync(Float32Array.of(4, 4))]).toEqual([0, 6]);
    }
  });

  it('a linear node that is read as a value as well stays one of float32 output', async () => {
    const write = new OnnxWriter();
    const y = write.add('Gemm', [input(write).float, weight(write)]);
    const grid = write.grid('uint8', 0.5, 10);
    const again = write.add('DequantizeLinear', [write.add('QuantizeLinear', [y, ...grid]), ...grid]);
    const model = await load(file(write, write.add('Add', [y, again])));
    expect(ops(model)).toEqual(['linear', 'quantize', 'add']);
  });

  it('an activation between two conversions is a table; the same conversion twice is none', async () => {
    const write = new OnnxWriter();
    const { float, grid } = input(write);
    const again = write.add('DequantizeLinear', [write.add('QuantizeLinear', [float, ...grid]), ...grid]);
    const y = write.add('Sigmoid', [write.add('Gemm', [again, weight(write)])]);
    const middle = write.grid('int8', 1 / 256, -128);
    const model = await load(file(write, write.add('QuantizeLinear', [y, ...middle]), 'int8'));
    expect(ops(model)).toEqual(['linear', 'sigmoid']);
    expect(model.input.dtype).toBe('uint8');
  });

  it('integer weights of float activations stay integers around 0, and become float32 otherwise', async () => {
    for (const [zeroPoint, format] of [
      [0, 'int8'],
      [3, 'float32'],
    ] as const) {
      const write = new OnnxWriter();
      const codes = write.codes('int8', [1, 2, -3, 4], [2, 2]);
      const w = write.add('DequantizeLinear', [
        codes,
        write.floats([0.25]),
        write.codes('int8', [zeroPoint], []),
      ]);
      const model = await load(file(write, write.add('MatMul', ['x', w])));
      expect(model.kind).toBe(zeroPoint === 0 ? 'quantized' : 'float');
      expect(model.stages.map((stage) => stage.format)).toEqual([format]);
      const expected = [1, 2, -3, 4].map((q) => 0.25 * (q - zeroPoint));
      expect([...model.runSync(Float32Array.of(1, 0, 0, 1))]).toEqual(expected);
    }
  });

  it('a bias of another scale than the sums is rounded to theirs', async () => {
    const write = new OnnxWriter();
    const bias = write.add('DequantizeLinear', [write.int32s(Int32Array.of(3, -8)), write.floats([0.5])]);
    const model = await load(file(write, write.add('Gemm', [input(write).float, weight(write), bias])));
    expect([...model.runSync(Float32Array.of(0, 0))]).toEqual([1.5, -4]);
  });

  it('a bias that is added to integers later becomes one of them', async () => {
    const write = new OnnxWriter();
    const y = write.add('Add', [
      write.add('MatMul', [input(write).float, weight(write)]),
      write.floats([1, 2]),
    ]);
    const model = await load(file(write, y));
    expect(ops(model)).toEqual(['linear']);
    expect([...model.runSync(Float32Array.of(0, 0))]).toEqual([1, 2]);
  });

  it('weights that the file quantizes itself: ties to even, saturated', async () => {
    const write = new OnnxWriter();
    const grid = write.grid('int8', 0.5, 1);
    const w = write.add('QuantizeLinear', [write.floats([0.25, 0.75, 1000, -1000], [2, 2]), ...grid]);
    const y = write.add('MatMul', ['x', write.add('DequantizeLinear', [w, ...grid])]);
    expect([...(await load(file(write, y))).runSync(Float32Array.of(1, 0, 0, 1))]).toEqual([0, 1, 63, -64.5]);
  });

  it('codes as input: their grid is that of what reads them first', async () => {
    const write = new OnnxWriter();
    const y = write.add('Gemm', [
      write.add('DequantizeLinear', ['x', ...write.grid('int8', 0.5, -3)]),
      weight(write),
    ]);
    const bytes = write.bytes([value('x', 'int8', ['n', 2])], [value(y, 'float32', ['n', 2])]);
    const model = await load(bytes);
    expect(model.input).toMatchObject({ dtype: 'int8', zeroPoint: -3, scale: Float32Array.of(0.5) });
    expect([...model.runSync(Int8Array.of(-1, -3))]).toEqual([0.25, 0.5]);
  });
});

describe('int4 weights in blocks', () => {
  function blocks(codes: readonly number[], block: number): Promise<Model> {
    const write = new OnnxWriter();
    const inFeatures = codes.length;
    const packed = new Uint8Array(Math.ceil(inFeatures / 2));
    codes.forEach((code, i) => {
      packed[i >> 1]! |= (code & 15) << (4 * (i % 2));
    });
    write.initializers.push(tensor('w', 'int4', [1, inFeatures], packed));
    const scales = write.floats([0.5, 0.25], [1, 2]);
    const attributes = { axis: { int: 1 }, block_size: { int: block } };
    const y = write.add('Gemm', ['x', write.add('DequantizeLinear', ['w', scales], attributes)], {
      transB: { int: 1 },
    });
    return load(write.bytes([value('x', 'float32', ['n', inFeatures])], [value(y, 'float32', ['n', 1])], 21));
  }
  const codes = Array.from({ length: 41 }, (_, i) => (i % 15) - 7);
  const sum = (all: readonly number[], block: number) =>
    all.reduce((total, code, i) => total + code * (i < block ? 0.5 : 0.25), 0);

  it('of a size that models have stay int4; others, and −8, become float32', async () => {
    const withLowest = [-8, ...codes.slice(1)];
    for (const [all, block, format] of [
      [codes, 32, 'int4'],
      [codes, 24, 'float32'],
      [withLowest, 32, 'float32'],
    ] as const) {
      const model = await blocks(all, block);
      expect(model.stages.map((stage) => stage.format)).toEqual([format]);
      expect([...model.runSync(new Float32Array(41).fill(1))]).toEqual([sum(all, block)]);
    }
  });
});

describe('what no model can do is named', () => {
  it.each<[string, (write: OnnxWriter) => string, RegExp]>([
    [
      'codes that are read with another scale',
      (write) => write.add('DequantizeLinear', [input(write).codes, ...write.grid('uint8', 0.25, 128)]),
      /DequantizeLinear 'v\d+' \(another scale or zero point/,
    ],
    [
      'a scale for each feature of something else than the input of a linear node',
      (write) => {
        const grid = [write.floats([0.5, 0.25]), write.codes('uint8', [0, 0], [2])];
        return write.add('DequantizeLinear', [write.add('QuantizeLinear', ['x', ...grid]), ...grid]);
      },
      /scale a feature/,
    ],
    [
      'a scale for each feature of a value that is not the input',
      (write) => {
        const grid = [write.floats([0.5, 0.25]), write.codes('uint8', [0, 0], [2])];
        const x = write.add('QuantizeLinear', [write.add('Relu', ['x']), ...grid]);
        return write.add('Gemm', [write.add('DequantizeLinear', [x, ...grid]), weight(write)]);
      },
      /scale a feature, which only the input has/,
    ],
    [
      'zero points that differ',
      (write) => write.add('QuantizeLinear', ['x', write.floats([1, 1]), write.codes('uint8', [0, 1], [2])]),
      /one for each feature with one zero point/,
    ],
    [
      'a scale of 0',
      (write) => write.add('QuantizeLinear', ['x', ...write.grid('uint8', 0, 1)]),
      /not positive/,
    ],
    [
      'scales along the rows',
      (write) => write.add('QuantizeLinear', ['x', write.floats([1, 1])], { axis: { int: 0 } }),
      /one for each feature/,
    ],
    [
      'codes as they are',
      (write) => write.add('Relu', [input(write).codes]),
      /Relu 'v\d+' \(codes as input 0\)/,
    ],
    [
      'sums of codes without their scale',
      (write) => {
        write.nodes.push(node('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']));
        const sums = write.add('MatMulInteger', ['q', write.codes('int8', [1, 2, 3, 4], [2, 2]), 'z']);
        return write.add('Relu', [write.add('Cast', [sums], { to: { int: 1 } })]);
      },
      /Relu .*accumulator as input 0/,
    ],
    [
      'the scale of another value',
      (write) => {
        write.nodes.push(node('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']));
        write.nodes.push(node('DynamicQuantizeLinear', [write.add('Relu', ['x'])], ['q2', 's2', 'z2']));
        const sums = write.add('MatMulInteger', ['q', write.codes('int8', [1, 2, 3, 4], [2, 2]), 'z']);
        return write.add('Mul', [write.add('Cast', [sums], { to: { int: 1 } }), 's2']);
      },
      /the scale of another value/,
    ],
    [
      'an operator of another domain',
      (write) => write.add('QLinearSigmoid', [input(write).codes], {}, 'com.microsoft'),
      /com\.microsoft\.QLinearSigmoid/,
    ],
  ])('%s', async (_, make, message) => {
    const write = new OnnxWriter();
    const output = make(write);
    await expectRejection(load(file(write, output)), 'ERR_UNSUPPORTED', message);
  });

  it('wrong shapes', async () => {
    const write = new OnnxWriter();
    const w = write.codes('int8', [1, 2, 3], [3, 1]);
    const { codes, grid } = input(write);
    const zero = write.codes('int8', [0], []);
    const inputs = [codes, ...grid, w, write.floats([1]), zero, ...grid];
    await expectRejection(load(file(write, write.add('QLinearMatMul', inputs), 'uint8', 1)), 'ERR_SHAPE');
  });
});
