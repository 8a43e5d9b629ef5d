import { afterEach, describe, expect, it } from 'vitest';
import { node, value } from '../../lib/formats/onnx';
import { load } from '../../lib/index';
import { kernels } from '../../lib/kernels';
import { OnnxWriter } from '../support/onnx-writer';
import { Seeded } from '../support/random';
import { OrtModel } from './ort';

/** Quantized graphs as other tools write them: loaded here, they give ONNX Runtime's bits. */

const random = new Seeded(77);
const { fround } = Math;
type Codes = 'uint8' | 'int8';

/** Without VNNI, ONNX Runtime adds products of uint8 and int8 in saturating int16: only small weights are exact there. */
const isExact = kernels().available.some((name) => /vnni|neon/.test(name));
const codes = (dtype: Codes, length: number) =>
  dtype === 'uint8' ? random.uint8s(length) : random.int8s(length);
const weights = (dtype: Codes, length: number) =>
  isExact ? codes(dtype, length) : codes(dtype, length).map((w) => w % 64);
const zeroPoint = (dtype: Codes) => (dtype === 'uint8' ? random.integer(0, 255) : random.integer(-128, 127));
const scale = (low: number, high: number) => fround(2 ** (low + (high - low) * random.uniform()));

/** Widths, and types of the activations and of the weights of a random net. */
function draw() {
  const widths = Array.from({ length: random.integer(2, 4) }, () => random.integer(1, 60));
  const [x, w] = random.pick<readonly [Codes, Codes]>([
    ['uint8', 'uint8'],
    ['uint8', 'int8'],
    ['int8', 'int8'],
  ]);
  return { widths, x, w, perChannel: random.integer(0, 1) === 0 };
}

const INPUT_SCALE = 2 ** -6;

/** Rows that fall on ties of the input grid, and others. */
function rowsOf(features: number): Float32Array {
  return new Float32Array(random.integer(1, 9) * features).map(() =>
    random.integer(0, 1) === 0
      ? (random.integer(-200, 200) + 0.5) * INPUT_SCALE
      : random.normal() * 50 * INPUT_SCALE,
  );
}

/** Outputs that are neither the row's smallest nor its largest: saturated ones would say little. */
let live = 0;
let total = 0;
afterEach(() => {
  expect(live / total).toBeGreaterThan(0.5);
  [live, total] = [0, 0];
});

async function compare(file: Uint8Array, rows: Float32Array, features: number, most = 0): Promise<number> {
  await using theirs = await OrtModel.load(file);
  using ours = await load(file);
  const expected = (await theirs.runFirst(rows, features)) as Float32Array | Uint8Array | Int8Array;
  const output =
    expected instanceof Float32Array
      ? new Float32Array(expected.length)
      : expected instanceof Uint8Array
        ? new Uint8Array(expected.length)
        : new Int8Array(expected.length);
  ours.runSync(rows, output);
  const [low, high] = [Math.min(...expected), Math.max(...expected)];
  live += expected.filter((y: number) => y !== low && y !== high).length;
  total += expected.length;
  let different = 0;
  for (let i = 0; i < output.length; i++) {
    if (Object.is(output[i]! + 0, expected[i]! + 0)) continue;
    different++;
    if (Math.abs(output[i]! - expected[i]!) > most)
      expect.fail(
        `output ${i}: expected ${expected[i]} but received ${output[i]}, ${ours.stages.map(({ op }) => op)}`,
      );
  }
  return different;
}

/** Scales with which the sums of `k` products of full range fill the codes. */
const outputScale = (sx: number, sw: number, k: number) =>
  fround(sx * sw * 2 ** (6 + 2 * random.uniform()) * Math.sqrt(k) * 20);

const NETS = 150;

describe('QOperator', () => {
  it('QLinearMatMul, QGemm', async () => {
    for (let i = 0; i < NETS; i++) {
      const { widths, x: dtype, w: wType, perChannel } = draw();
      const write = new OnnxWriter();
      let [s, z] = [INPUT_SCALE, zeroPoint(dtype)];
      let grid = write.grid(dtype, s, z);
      let x = write.add('QuantizeLinear', ['x', ...grid]);
      for (const [layer, out] of widths.slice(1).entries()) {
        const k = widths[layer]!;
        const channels = perChannel ? out : 1;
        const sw = Array.from({ length: channels }, () => scale(-8, -6));
        const zw = isExact && wType === 'uint8' ? zeroPoint(wType) : 0;
        const isGemm = random.integer(0, 1) === 0;
        const isOutIn = isGemm && random.integer(0, 1) === 0;
        const data = weights(wType, k * out);
        const w = [
          write.codes(wType, data, isOutIn ? [out, k] : [k, out]),
          write.floats(sw, channels === 1 ? [] : [channels]),
          write.codes(wType, new Array<number>(channels).fill(zw), channels === 1 ? [] : [channels]),
        ];
        const sy = outputScale(s, sw[0]!, k);
        const zy = zeroPoint(dtype);
        const next = write.grid(dtype, sy, zy);
        if (isGemm) {
          const c = random.integer(0, 2) === 0 ? '' : write.int32s(random.int32s(out, 2 ** 15));
          const attributes = { transB: { int: isOutIn ? 1 : 0 } };
          x = write.add('QGemm', [x, ...grid, ...w, c, ...next], attributes, 'com.microsoft');
        } else {
          x = write.add('QLinearMatMul', [x, ...grid, ...w, ...next]);
        }
        [s, z, grid] = [sy, zy, next];
      }
      const isFloat = random.integer(0, 1) === 0;
      const y = isFloat ? write.add('DequantizeLinear', [x, ...grid]) : x;
      const file = write.bytes(
        [value('x', 'float32', ['n', widths[0]!])],
        [value(y, isFloat ? 'float32' : dtype, ['n', widths.at(-1)!])],
      );
      await compare(file, rowsOf(widths[0]!), widths[0]!);
    }
  });

  it('DynamicQuantizeLinear with MatMulInteger, MatMulIntegerToFloat, DynamicQuantizeMatMul: a row at a time', async () => {
    for (let i = 0; i < NETS; i++) {
      const { widths, w: wType, perChannel } = draw();
      const write = new OnnxWriter();
      let x = 'x';
      for (const [layer, out] of widths.slice(1).entries()) {
        const k = widths[layer]!;
        const channels = perChannel ? out : 1;
        const dims = channels === 1 ? [] : [channels];
        const sw = write.floats(
          Array.from({ length: channels }, () => scale(-8, -6)),
          channels === 1 ? [1] : dims,
        );
        const zw = isExact && wType === 'uint8' ? zeroPoint(wType) : 0;
        const w = write.codes(wType, weights(wType, k * out), [k, out]);
        const zeros = write.codes(wType, new Array<number>(channels).fill(zw), dims);
        const bias = write.floats(
          Array.from({ length: out }, () => random.normal()),
          [out],
        );
        const form = random.integer(0, 2);
        if (form === 0) {
          x = write.add('DynamicQuantizeMatMul', [x, w, sw, zeros, bias], {}, 'com.microsoft');
        } else {
          const [q, s, z] = [write.fresh(), write.fresh(), write.fresh()];
          write.nodes.push(node('DynamicQuantizeLinear', [x], [q, s, z]));
          if (form === 1) {
            const inputs = [q, w, s, sw, z, zeros, bias];
            x = write.add('MatMulIntegerToFloat', inputs, {}, 'com.microsoft');
          } else {
            const sums = write.add('MatMulInteger', [q, w, z, zeros]);
            const float = write.add('Cast', [sums], { to: { int: 1 } });
            const product = write.add('Mul', [float, write.add('Mul', [s, sw])]);
            x = write.add('Add', [product, bias]);
          }
        }
        if (layer < widths.length - 2) x = write.add('Relu', [x]);
      }
      const file = write.bytes(
        [value('x', 'float32', ['n', widths[0]!])],
        [value(x, 'float32', ['n', widths.at(-1)!])],
      );
      for (let row = 0; row < 3; row++) await compare(file, random.normals(widths[0]!), widths[0]!);
    }
  });
});

describe('QDQ', () => {
  it('Gemm and MatMul, Relu and Clip between, weights stored in every way', async () => {
    for (let i = 0; i < NETS; i++) {
      const { widths, x: dtype, w: wType, perChannel } = draw();
      const write = new OnnxWriter();
      let s = INPUT_SCALE;
      let grid = write.grid(dtype, s, zeroPoint(dtype));
      let x = write.add('QuantizeLinear', ['x', ...grid]);
      for (const [layer, out] of widths.slice(1).entries()) {
        const k = widths[layer]!;
        const isOutIn = random.integer(0, 1) === 0;
        const channels = perChannel ? out : 1;
        const dims = channels === 1 ? [] : [channels];
        const axis = channels === 1 ? {} : { axis: { int: isOutIn ? 0 : 1 } };
        const sw = Array.from({ length: channels }, () => scale(-8, -6));
        const zw = isExact && wType === 'uint8' ? zeroPoint(wType) : 0;
        const w = write.add(
          'DequantizeLinear',
          [
            write.codes(wType, weights(wType, k * out), isOutIn ? [out, k] : [k, out]),
            write.floats(sw, dims),
            write.codes(wType, new Array<number>(channels).fill(zw), dims),
          ],
          axis,
        );
        const bias = write.add(
          'DequantizeLinear',
          [
            write.int32s(random.int32s(out, 2 ** 15)),
            write.floats(
              sw.map((one) => fround(s * one)),
              dims,
            ),
          ],
          channels === 1 ? {} : { axis: { int: 0 } },
        );
        const float = write.add('DequantizeLinear', [
          random.integer(0, 1) === 0 ? x : write.add('Cast', [x], { to: { int: dtype === 'uint8' ? 2 : 3 } }),
          ...grid,
        ]);
        let y = write.add('Gemm', [float, w, bias], { transB: { int: isOutIn ? 1 : 0 } });
        const sy = outputScale(s, sw[0]!, k);
        const activation = random.integer(0, 3);
        const zy = activation === 1 ? (dtype === 'uint8' ? 0 : -128) : zeroPoint(dtype);
        const next = write.grid(dtype, sy, zy);
        if (activation === 1) y = write.add('Relu', [y]);
        x = write.add('QuantizeLinear', [y, ...next]);
        if (activation === 2) {
          // PyTorch leaves the Relu between conversions of one grid.
          const again = write.add('Relu', [write.add('DequantizeLinear', [x, ...next])]);
          x = write.add('QuantizeLinear', [again, ...next]);
        }
        [s, grid] = [sy, next];
      }
      const y = write.add('DequantizeLinear', [x, ...grid]);
      const file = write.bytes(
        [value('x', 'float32', ['n', widths[0]!])],
        [value(y, 'float32', ['n', widths.at(-1)!])],
      );
      await compare(file, rowsOf(widths[0]!), widths[0]!);
    }
  });
});
