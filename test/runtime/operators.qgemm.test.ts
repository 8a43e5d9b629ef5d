import { describe, expect, it } from 'vitest';
import { multiplierFromScale, packWeights, qgemm, type Rounding } from '../../lib/kernels';
import type { Codes } from '../../lib/runtime/checks';
import { Seeded } from '../support/random';
import { requantizeExactly } from '../support/rounding';

interface Product {
  readonly rows: number;
  readonly out: number;
  readonly in: number;
  readonly x: Codes;
  readonly w: Codes;
  readonly xZeroPoint: number;
  readonly wZeroPoint: number | Int32Array | undefined;
  readonly bias: Int32Array | undefined;
}

function product(random: Seeded, rows: number, out: number, inFeatures: number): Product {
  const codes = (length: number): Codes =>
    random.uniform() < 0.5 ? random.int8s(length) : random.uint8s(length);
  const zeroPointOf = (c: Codes) =>
    c instanceof Int8Array ? random.integer(-128, 127) : random.integer(0, 255);
  const x = codes(rows * inFeatures);
  const w = codes(out * inFeatures);
  const zeroPoints = [undefined, zeroPointOf(w), Int32Array.from({ length: out }, () => zeroPointOf(w))];
  const bias = random.uniform() < 0.5 ? random.int32s(out, 2 ** 20) : undefined;
  return {
    rows,
    out,
    in: inFeatures,
    x,
    w,
    xZeroPoint: zeroPointOf(x),
    wZeroPoint: random.pick(zeroPoints),
    bias,
  };
}

/** The definition: a triple loop. */
function accumulate(p: Product): Int32Array {
  const acc = new Int32Array(p.rows * p.out);
  for (let m = 0; m < p.rows; m++) {
    for (let n = 0; n < p.out; n++) {
      const zw = p.wZeroPoint instanceof Int32Array ? p.wZeroPoint[n]! : (p.wZeroPoint ?? 0);
      let sum = p.bias?.[n] ?? 0;
      for (let k = 0; k < p.in; k++) sum += (p.x[m * p.in + k]! - p.xZeroPoint) * (p.w[n * p.in + k]! - zw);
      acc[m * p.out + n] = sum;
    }
  }
  return acc;
}

const ROUNDINGS: readonly Rounding[] = ['half-up', 'half-even', 'gemmlowp', 'float32'];

function checkAllOutputs(p: Product, random: Seeded): void {
  const shape = `${p.rows}×${p.in} · ${p.out}`;
  const options = p.wZeroPoint === undefined ? {} : { zeroPoint: p.wZeroPoint };
  using w = packWeights(p.w, [p.out, p.in], options);
  const common = { xZeroPoint: p.xZeroPoint, ...(p.bias && { bias: p.bias }) };
  const acc = accumulate(p);
  expect(qgemm(p.x, w, common), shape).toEqual(acc);

  const length = random.uniform() < 0.5 ? 1 : p.out;
  const scale = Float32Array.from({ length }, () => 10 / Math.sqrt(p.in) / 2 ** random.integer(10, 20));
  const real =
    acc.length === 0
      ? new Float32Array(0)
      : Float32Array.from(acc, (a, i) => Math.fround(a) * scale[i % length]!);
  expect(qgemm(p.x, w, { ...common, dequantize: { scale } }), shape).toEqual(real);

  const multipliers = multiplierFromScale(scale);
  for (const dtype of ['int8', 'uint8'] as const) {
    const rounding = random.pick(ROUNDINGS);
    const [low, high] = dtype === 'int8' ? [-128, 127] : [0, 255];
    const y = {
      zeroPoint: random.integer(low, high),
      min: low + random.integer(0, 20),
      max: high - random.integer(0, 20),
    };
    const requantize = { ...multipliers, ...y, rounding };
    const codes =
      dtype === 'int8'
        ? qgemm(p.x, w, { ...common, requantize: { ...requantize, dtype: 'int8' } })
        : qgemm(p.x, w, { ...common, requantize: { ...requantize, dtype: 'uint8' } });
    const { multiplier, shift } = multipliers;
    const exact = Array.from(acc, (a, i) =>
      requantizeExactly(rounding, a, multiplier[i % length]!, shift[i % length]!, y),
    );
    expect([...codes], `${shape} ${dtype} ${rounding}`).toEqual(exact);
  }
}

describe('against the triple loop', () => {
  const sizes = [1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65];

  it('random shapes', () => {
    const random = new Seeded(11);
    for (let i = 0; i < 150; i++) {
      checkAllOutputs(
        product(random, random.integer(0, 14), random.integer(1, 70), random.integer(1, 150)),
        random,
      );
    }
  });

  it.each(sizes)('inner size %i, edges of tiles and groups', (inFeatures) => {
    const random = new Seeded(100 + inFeatures);
    for (const out of [1, 15, 16, 17, 48])
      checkAllOutputs(product(random, random.pick([1, 5, 6, 7]), out, inFeatures), random);
  });

  it.each(sizes)('%i output features', (out) => {
    const random = new Seeded(200 + out);
    checkAllOutputs(product(random, 3, out, 20), random);
  });

  it('more rows than a block', () => {
    const random = new Seeded(12);
    for (const rows of [95, 96, 97, 193]) checkAllOutputs(product(random, rows, 5, 9), random);
  });

  it('a long row of extremes stays exact', () => {
    for (const [x, w] of [
      [255, -128],
      [255, 127],
      [1, -128],
    ] as const) {
      using packed = packWeights(new Int8Array(3 * 32767).fill(w), [3, 32767]);
      expect([...qgemm(new Uint8Array(32767).fill(x), packed)]).toEqual(new Array(3).fill(x * w * 32767));
    }
  });

  it('no rows', () => {
    using w = packWeights(Int8Array.of(1, 2), [1, 2]);
    expect(qgemm(new Int8Array(0), w)).toEqual(new Int32Array(0));
    expect(qgemm(new Uint8Array(0), w, { dequantize: { scale: Float32Array.of(1) } })).toEqual(
      new Float32Array(0),
    );
  });
});

describe('out', () => {
  const x = Uint8Array.of(1, 2, 3, 4);
  const m = multiplierFromScale(0.5);

  it('is filled and returned, again and again', () => {
    using weights = packWeights(Int8Array.of(1, 1, 2, -1), [2, 2]);
    const out = {
      i32: new Int32Array(4),
      f32: new Float32Array(4),
      i8: new Int8Array(4),
      u8: new Uint8Array(4),
    };
    for (let i = 0; i < 3; i++) {
      for (const array of Object.values(out)) array.fill(99);
      expect(qgemm(x, weights, { out: out.i32 })).toBe(out.i32);
      expect(qgemm(x, weights, { dequantize: { scale: Float32Array.of(0.5) }, out: out.f32 })).toBe(out.f32);
      expect(qgemm(x, weights, { requantize: { ...m, dtype: 'int8' }, out: out.i8 })).toBe(out.i8);
      expect(qgemm(x, weights, { requantize: { ...m, dtype: 'uint8' }, out: out.u8 })).toBe(out.u8);
      expect([...out.i32]).toEqual([3, 0, 7, 2]);
      expect([...out.f32]).toEqual([1.5, 0, 3.5, 1]);
      expect([...out.i8]).toEqual([2, 0, 4, 1]);
      expect([...out.u8]).toEqual([2, 0, 4, 1]);
    }
  });

  it('may be a view into a larger buffer; its neighbours are left alone', () => {
    using weights = packWeights(Int8Array.of(1, 1, 2, -1), [2, 2]);
    const all = new Int8Array(6).fill(55);
    qgemm(x, weights, { requantize: { ...m, dtype: 'int8' }, out: all.subarray(1, 5) });
    expect([...all]).toEqual([55, 2, 0, 4, 1, 55]);
  });
});
