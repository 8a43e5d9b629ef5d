import { afterAll, describe, expect, it } from 'vitest';
import { encodeModel, graph, node, value } from '../../lib/formats/onnx';
import {
  dequantizeLinear,
  dynamicQuantizeLinear,
  kernels,
  multiplierFromScale,
  packWeights,
  qgemm,
  quantizeLinear,
} from '../../lib/kernels';
import { Seeded } from '../support/random';
import { OrtModel } from './ort';

/**
 * requant/kernels beside the operators of onnxruntime-node: equal bits in every case. Scales and zero points are inputs of
 * these graphs, so that one session runs thousands of cases.
 */

const CASES = 2_500;
const { fround } = Math;
const random = new Seeded(20_261_121);

type Codes = 'uint8' | 'int8';
const codes = (dtype: Codes, length: number) =>
  dtype === 'uint8' ? random.uint8s(length) : random.int8s(length);
const zeroPoint = (dtype: Codes) => (dtype === 'uint8' ? random.integer(0, 255) : random.integer(-128, 127));
const codeOf = (dtype: Codes, z: number) => (dtype === 'uint8' ? Uint8Array.of(z) : Int8Array.of(z));

/** Between 2^low and 2^high; every fourth a power of two, with which sums fall on ties. */
function scale(low: number, high: number): number {
  const exponent = low + (high - low) * random.uniform();
  return fround(random.integer(0, 3) === 0 ? 2 ** Math.round(exponent) : 2 ** exponent);
}

/** Without VNNI, ONNX Runtime adds products of uint8 and int8 in saturating int16: only small weights are exact there. */
const isExact = kernels().available.some((name) => /vnni|neon/.test(name));
const weightsOf = (dtype: Codes, length: number) =>
  isExact ? codes(dtype, length) : codes(dtype, length).map((w) => w % 64);

const scalar = (name: string, dtype: 'float32' | Codes) => value(name, dtype, []);
const one = (data: Float32Array | Uint8Array | Int8Array) => {
  const type = data instanceof Float32Array ? 'float32' : data instanceof Uint8Array ? 'uint8' : 'int8';
  return { type, data, dims: [] } as const;
};

/** [in, out] → [out, in] */
function transpose<T extends Uint8Array | Int8Array>(data: T, rows: number, columns: number): T {
  return data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!) as T;
}

let total = 0;
afterAll(() => {
  console.log(`${total} cases with equal bits`);
});

function expectBits(actual: ArrayBufferView, expected: ArrayBufferView, what: () => string): void {
  total++;
  const bytes = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  if (!bytes(actual).equals(bytes(expected)))
    expect.fail(
      `${what()}: expected ${String(expected).slice(0, 200)} but received ${String(actual).slice(0, 200)}`,
    );
}

/** A graph of one operator whose inputs are all the graph's own. */
function operator(
  type: string,
  inputs: readonly ReturnType<typeof value>[],
  output: ReturnType<typeof value>,
  options: { attributes?: Parameters<typeof node>[3]; domain?: string } = {},
): Promise<OrtModel> {
  const { attributes = {}, domain = '' } = options;
  const nodes = [
    node(
      type,
      inputs.map(({ name }) => name),
      [output.name],
      attributes,
      domain,
    ),
  ];
  const parts = graph({ name: type, inputs, outputs: [output], initializers: [], nodes });
  return OrtModel.load(encodeModel(parts, { opset: 13, ...(domain !== '' && { domains: { [domain]: 1 } }) }));
}

describe.each<Codes>(['uint8', 'int8'])('QuantizeLinear, DequantizeLinear: %s', (dtype) => {
  it('ties, infinities, the ends of float32', async () => {
    await using quantize = await operator(
      'QuantizeLinear',
      [value('x', 'float32', ['n']), scalar('s', 'float32'), scalar('z', dtype)],
      value('y', dtype, ['n']),
    );
    await using dequantize = await operator(
      'DequantizeLinear',
      [value('q', dtype, ['n']), scalar('s', 'float32'), scalar('z', dtype)],
      value('y', 'float32', ['n']),
    );
    for (let i = 0; i < CASES / 2; i++) {
      const [s, z] = [scale(-30, 30), zeroPoint(dtype)];
      const x = new Float32Array(random.integer(1, 70)).map(() =>
        random.pick([
          () => s * (random.integer(-300, 300) + 0.5), // a tie, where s is a power of two
          () => s * random.normal() * 100,
          () =>
            random.pick([0, -0, 3.4e38, -3.4e38, 1e-45, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
        ])(),
      );
      const grid = { s: one(Float32Array.of(s)), z: one(codeOf(dtype, z)) };
      const { y } = await quantize.runTensors({ x: { type: 'float32', data: x, dims: [x.length] }, ...grid });
      const own = dtype === 'uint8' ? quantizeLinear(x, s, z, 'uint8') : quantizeLinear(x, s, z, 'int8');
      expectBits(own, y!.data, () => `x = [${x}], scale ${s}, zero point ${z}`);
      const q = codes(dtype, random.integer(1, 70));
      const back = await dequantize.runTensors({ q: { type: dtype, data: q, dims: [q.length] }, ...grid });
      expectBits(dequantizeLinear(q, s, z), back['y']!.data, () => `q = [${q}], scale ${s}, zero point ${z}`);
    }
  });
});

it('DynamicQuantizeLinear', async () => {
  const parts = graph({
    name: 'dynamic',
    inputs: [value('x', 'float32', ['n'])],
    outputs: [value('y', 'uint8', ['n']), value('s', 'float32', []), value('z', 'uint8', [])],
    initializers: [],
    nodes: [node('DynamicQuantizeLinear', ['x'], ['y', 's', 'z'])],
  });
  await using model = await OrtModel.load(encodeModel(parts, { opset: 13 }));
  for (let i = 0; i < CASES; i++) {
    const size = scale(-20, 20);
    const shift = random.pick([0, 0, 1, -1, 3]);
    const steps = random.integer(0, 1) === 0;
    const x = new Float32Array(random.integer(1, 90)).map(() =>
      steps ? (size / 2) * random.integer(-255, 255) : size * (random.normal() + shift),
    );
    const { y, s, z } = await model.runTensors({ x: { type: 'float32', data: x, dims: [x.length] } });
    const own = dynamicQuantizeLinear(x);
    const what = () => `x = [${x}]`;
    expectBits(Float32Array.of(own.scale), s!.data, what);
    expectBits(Uint8Array.of(own.zeroPoint), z!.data, what);
    expectBits(own.y, y!.data, what);
  }
});

const PAIRS: readonly (readonly [Codes, Codes])[] = [
  ['uint8', 'uint8'],
  ['uint8', 'int8'],
  ['int8', 'int8'],
];

describe.each(PAIRS)('products of %s and %s', (xType, wType) => {
  interface Case {
    readonly m: number;
    readonly k: number;
    readonly n: number;
    readonly x: Uint8Array | Int8Array;
    /** [k, n], as in ONNX */
    readonly w: Uint8Array | Int8Array;
    readonly zx: number;
    readonly zw: number;
  }
  const draw = (): Case => {
    const [m, k, n] = [random.integer(1, 6), random.integer(1, 70), random.integer(1, 40)];
    return {
      m,
      k,
      n,
      x: codes(xType, m * k),
      w: weightsOf(wType, k * n),
      zx: zeroPoint(xType),
      zw: isExact ? zeroPoint(wType) : 0,
    };
  };
  const packed = ({ w, k, n, zw }: Case) => packWeights(transpose(w, k, n), [n, k], { zeroPoint: zw });
  const feeds = ({ m, k, n, x, w, zx, zw }: Case) => ({
    a: { type: xType, data: x, dims: [m, k] },
    b: { type: wType, data: w, dims: [k, n] },
    az: one(codeOf(xType, zx)),
    bz: one(codeOf(wType, zw)),
  });
  const a = value('a', xType, ['m', 'k']);
  const b = value('b', wType, ['k', 'n']);
  const [az, bz] = [scalar('az', xType), scalar('bz', wType)];
  const [as, bs, ys] = ['as', 'bs', 'ys'].map((name) => scalar(name, 'float32')) as [
    ReturnType<typeof value>,
    ReturnType<typeof value>,
    ReturnType<typeof value>,
  ];

  /** Products of full ranges are some 2^14·√k: the output grid holds most of them. */
  const scales = ({ k }: Case) => {
    const [sx, sw] = [scale(-12, 2), scale(-12, 2)];
    return { sx, sw, sy: fround(sx * sw * scale(6, 9) * Math.sqrt(k)) };
  };

  it('MatMulInteger', async () => {
    await using model = await operator('MatMulInteger', [a, b, az, bz], value('y', 'int32', ['m', 'n']));
    for (let i = 0; i < CASES / 3; i++) {
      const c = draw();
      const { y } = await model.runTensors(feeds(c));
      using weights = packed(c);
      expectBits(qgemm(c.x, weights, { xZeroPoint: c.zx }), y!.data, () => JSON.stringify(c));
    }
  });

  it('QLinearMatMul', async () => {
    const inputs = [a, as, az, b, bs, bz, ys, scalar('yz', xType)];
    await using model = await operator('QLinearMatMul', inputs, value('y', xType, ['m', 'n']));
    for (let i = 0; i < CASES; i++) {
      const c = draw();
      const [{ sx, sw, sy }, zy] = [scales(c), zeroPoint(xType)];
      const { y } = await model.runTensors({
        ...feeds(c),
        as: one(Float32Array.of(sx)),
        bs: one(Float32Array.of(sw)),
        ys: one(Float32Array.of(sy)),
        yz: one(codeOf(xType, zy)),
      });
      using weights = packed(c);
      const multiplier = multiplierFromScale(fround(fround(sx * sw) / sy));
      const rest = { ...multiplier, zeroPoint: zy, rounding: 'float32' as const };
      const own =
        xType === 'uint8'
          ? qgemm(c.x, weights, { xZeroPoint: c.zx, requantize: { ...rest, dtype: 'uint8' } })
          : qgemm(c.x, weights, { xZeroPoint: c.zx, requantize: { ...rest, dtype: 'int8' } });
      expectBits(own, y!.data, () => JSON.stringify({ ...c, sx, sw, sy, zy }));
    }
  });

  it('QGemm, with a bias and alpha', async () => {
    const c0 = value('c', 'int32', ['n']);
    const inputs = [a, as, az, b, bs, bz, c0, ys, scalar('yz', xType)];
    const alphas = [1, 0.3];
    for (const alpha of alphas) {
      const options = { domain: 'com.microsoft', attributes: { alpha: { float: alpha } } };
      await using model = await operator('QGemm', inputs, value('y', xType, ['m', 'n']), options);
      for (let i = 0; i < CASES / (3 * alphas.length); i++) {
        const c = draw();
        const [{ sx, sw, sy }, zy] = [scales(c), zeroPoint(xType)];
        const bias = random.int32s(c.n, 2 ** 16);
        const { y } = await model.runTensors({
          ...feeds(c),
          as: one(Float32Array.of(sx)),
          bs: one(Float32Array.of(sw)),
          c: { type: 'int32', data: bias, dims: [c.n] },
          ys: one(Float32Array.of(sy)),
          yz: one(codeOf(xType, zy)),
        });
        using weights = packed(c);
        const product = fround(fround(fround(alpha) * sx) * sw);
        const multiplier = multiplierFromScale(fround(product / sy));
        const rest = { ...multiplier, zeroPoint: zy, rounding: 'float32' as const };
        const common = { xZeroPoint: c.zx, bias };
        const own =
          xType === 'uint8'
            ? qgemm(c.x, weights, { ...common, requantize: { ...rest, dtype: 'uint8' } })
            : qgemm(c.x, weights, { ...common, requantize: { ...rest, dtype: 'int8' } });
        expectBits(own, y!.data, () => JSON.stringify({ ...c, alpha, sx, sw, sy, zy, bias }));
      }
    }
  });
});
