import { describe, expect, it } from 'vitest';
import {
  dequantizeLinear,
  dynamicQuantizeLinear,
  multiplierFromScale,
  PackedWeights,
  packWeights,
  qgemm,
  quantizeLinear,
  requantize,
} from '../../lib/kernels';
import { expectError } from '../support/errors';
import { Seeded } from '../support/random';
import { rne } from '../support/rounding';

const SUBNORMAL = 2 ** -149;
const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;

/** A wrong argument, as JavaScript may give it. */
function untyped<T>(value: unknown): T {
  return value as T;
}

describe('packWeights', () => {
  it('keeps its shape', () => {
    using w = packWeights(new Int8Array(6), [2, 3]);
    expect(w).toBeInstanceOf(PackedWeights);
    expect(w).toMatchObject({ outFeatures: 2, inFeatures: 3 });
  });

  it('disposes once and for all', () => {
    const w = packWeights(new Int8Array(6), [2, 3]);
    w.dispose();
    w.dispose();
    w[Symbol.dispose]();
    expectError(() => qgemm(new Int8Array(3), w), 'ERR_DISPOSED', /packed weights/);
  });

  it.each([
    ['floats', () => packWeights(untyped(new Float32Array(6)), [2, 3]), 'ERR_DTYPE'],
    ['a plain array', () => packWeights(untyped([1, 2]), [1, 2]), 'ERR_DTYPE'],
    ['too few', () => packWeights(new Int8Array(5), [2, 3]), 'ERR_SHAPE'],
    ['no outputs', () => packWeights(new Int8Array(0), [0, 3]), 'ERR_ARGUMENT'],
    ['no inputs', () => packWeights(new Int8Array(0), [3, 0]), 'ERR_ARGUMENT'],
    ['half a feature', () => packWeights(new Int8Array(1), [0.5, 2]), 'ERR_ARGUMENT'],
    ['no shape', () => packWeights(new Int8Array(1), untyped(undefined)), 'ERR_ARGUMENT'],
    [
      'a zero point beyond int8',
      () => packWeights(new Int8Array(2), [1, 2], { zeroPoint: 128 }),
      'ERR_ARGUMENT',
    ],
    [
      'a zero point below uint8',
      () => packWeights(new Uint8Array(2), [1, 2], { zeroPoint: -1 }),
      'ERR_ARGUMENT',
    ],
    [
      'one bad zero point',
      () => packWeights(new Int8Array(2), [2, 1], { zeroPoint: Int32Array.of(0, 300) }),
      'ERR_ARGUMENT',
    ],
    [
      'NaN as zero point',
      () => packWeights(new Int8Array(2), [1, 2], { zeroPoint: Number.NaN }),
      'ERR_ARGUMENT',
    ],
    [
      'zero points of another length',
      () => packWeights(new Int8Array(6), [2, 3], { zeroPoint: new Int32Array(3) }),
      'ERR_SHAPE',
    ],
    [
      'no zero points',
      () => packWeights(new Int8Array(6), [2, 3], { zeroPoint: new Int32Array(0) }),
      'ERR_SHAPE',
    ],
    [
      'zero points as floats',
      () => packWeights(new Int8Array(6), [2, 3], { zeroPoint: untyped(new Float32Array(2)) }),
      'ERR_DTYPE',
    ],
  ] as const)('refuses %s', (_, action, code) => {
    expectError(action, code);
  });
});

describe('qgemm', () => {
  const x = Int8Array.of(1, 2, 3);
  const m = multiplierFromScale(0.5);
  const weights = () => packWeights(new Int8Array(6), [2, 3]);
  const requantizeOptions = { ...m, dtype: 'int8' as const };
  const scale = Float32Array.of(1);
  const qgemm_ = (options: unknown) =>
    untyped<(x: Int8Array, w: PackedWeights, o: unknown) => unknown>(qgemm)(x, weights(), options);

  it.each([
    ['floats', () => qgemm(untyped(new Float32Array(3)), weights()), 'ERR_DTYPE'],
    ['part of a row', () => qgemm(new Int8Array(4), weights()), 'ERR_SHAPE'],
    [
      'weights that are not packed',
      () => qgemm(x, untyped({ outFeatures: 2, inFeatures: 3 })),
      'ERR_ARGUMENT',
    ],
    ['a bias of another length', () => qgemm(x, weights(), { bias: new Int32Array(3) }), 'ERR_SHAPE'],
    ['an empty bias', () => qgemm(x, weights(), { bias: new Int32Array(0) }), 'ERR_SHAPE'],
    ['a float bias', () => qgemm_({ bias: new Float32Array(2) }), 'ERR_DTYPE'],
    ['a zero point beyond int8', () => qgemm(x, weights(), { xZeroPoint: 128 }), 'ERR_ARGUMENT'],
    ['a fractional zero point', () => qgemm(x, weights(), { xZeroPoint: 0.5 }), 'ERR_ARGUMENT'],
    ['an output of another length', () => qgemm(x, weights(), { out: new Int32Array(3) }), 'ERR_SHAPE'],
    ['an output of another type', () => qgemm_({ out: new Float32Array(2) }), 'ERR_DTYPE'],
    [
      'int32 out where codes leave',
      () => qgemm_({ requantize: requantizeOptions, out: new Int32Array(2) }),
      'ERR_DTYPE',
    ],
    [
      'uint8 out for int8',
      () => qgemm_({ requantize: requantizeOptions, out: new Uint8Array(2) }),
      'ERR_DTYPE',
    ],
    [
      'both epilogues',
      () => qgemm_({ requantize: requantizeOptions, dequantize: { scale } }),
      'ERR_ARGUMENT',
    ],
    ['float64 scales', () => qgemm_({ dequantize: { scale: [1] } }), 'ERR_DTYPE'],
    ['no scales', () => qgemm(x, weights(), { dequantize: { scale: new Float32Array(0) } }), 'ERR_SHAPE'],
    [
      'three scales for two columns',
      () => qgemm(x, weights(), { dequantize: { scale: new Float32Array(3) } }),
      'ERR_SHAPE',
    ],
    [
      'three multipliers for two columns',
      () =>
        qgemm(x, weights(), { requantize: { ...multiplierFromScale(new Float32Array(3)), dtype: 'int8' } }),
      'ERR_SHAPE',
    ],
    ['a misspelt option', () => qgemm_({ xZeropoint: 3 }), 'ERR_ARGUMENT'],
    ['null as options', () => qgemm_(null), 'ERR_ARGUMENT'],
    ['null as requantize', () => qgemm_({ requantize: null }), 'ERR_ARGUMENT'],
    ['null as dequantize', () => qgemm_({ dequantize: null }), 'ERR_ARGUMENT'],
  ] as const)('refuses %s', (_, action, code) => {
    expectError(action, code);
  });

  it('refuses accumulators that might overflow, by the weights and the bias', () => {
    using w = packWeights(new Int8Array(70000).fill(127), [1, 70000]);
    expectError(() => qgemm(new Uint8Array(70000), w), 'ERR_OVERFLOW', /output feature 0/);
    using small = packWeights(Int8Array.of(1, 0, 0, 1), [2, 2]);
    const atEdge = Int32Array.of(0, 2 ** 31 - 1 - 127);
    expect([...qgemm(Int8Array.of(1, 127), small, { bias: atEdge })]).toEqual([1, 2 ** 31 - 1]);
    const beyond = Int32Array.of(0, 2 ** 31 - 127);
    expectError(() => qgemm(Int8Array.of(1, 2), small, { bias: beyond }), 'ERR_OVERFLOW', /output feature 1/);
  });
});

it('qgemm refuses an out that overlaps x', () => {
  using w = packWeights(new Int8Array(4), [2, 2]);
  const memory = new ArrayBuffer(16);
  const [x, out] = [new Int8Array(memory, 0, 2), new Int32Array(memory, 0, 2)];
  expectError(() => qgemm(x, w, { out }), 'ERR_ARGUMENT', /overlap/);
  expect(qgemm(x, w, { out: new Int32Array(memory, 4, 2) })).toHaveLength(2);
});

describe('requantize', () => {
  const acc = Int32Array.of(1, 2, 3, 4);
  const good = { ...multiplierFromScale(0.5), dtype: 'int8' as const };
  const with_ = (options: object) => () => requantize(acc, { ...good, ...options });

  it('keeps zero rows', () => {
    expect(requantize(new Int32Array(0), good)).toEqual(new Int8Array(0));
  });

  it.each([
    ['a float accumulator', () => requantize(untyped(new Float32Array(1)), good), 'ERR_DTYPE'],
    ['no options', () => requantize(acc, untyped(undefined)), 'ERR_ARGUMENT'],
    ['another dtype', with_({ dtype: 'int16' }), 'ERR_ARGUMENT'],
    ['another rounding', with_({ rounding: 'up' }), 'ERR_ARGUMENT'],
    ['a misspelt option', with_({ zeropoint: 3 }), 'ERR_ARGUMENT'],
    ['float multipliers', with_({ multiplier: new Float32Array(1) }), 'ERR_DTYPE'],
    ['no shift', with_({ shift: undefined }), 'ERR_DTYPE'],
    ['shifts of another length', with_({ shift: Int32Array.of(40, 40) }), 'ERR_SHAPE'],
    ['no multipliers', with_({ multiplier: new Int32Array(0), shift: new Int32Array(0) }), 'ERR_SHAPE'],
    ['rows that are not whole', with_(multiplierFromScale(new Float32Array(3).fill(1))), 'ERR_SHAPE'],
    ['a short multiplier', with_({ multiplier: Int32Array.of(2 ** 30 - 1) }), 'ERR_ARGUMENT'],
    ['a negative multiplier', with_({ multiplier: Int32Array.of(-(2 ** 30)) }), 'ERR_ARGUMENT'],
    ['shift 24', with_({ shift: Int32Array.of(24) }), 'ERR_ARGUMENT'],
    ['shift 64', with_({ shift: Int32Array.of(64) }), 'ERR_ARGUMENT'],
    ['a zero point beyond int8', with_({ zeroPoint: 128 }), 'ERR_ARGUMENT'],
    ['a negative zero point for uint8', with_({ dtype: 'uint8', zeroPoint: -1 }), 'ERR_ARGUMENT'],
    ['bounds out of order', with_({ min: 5, max: 4 }), 'ERR_ARGUMENT'],
    ['a bound beyond int8', with_({ max: 200 }), 'ERR_ARGUMENT'],
  ] as const)('refuses %s', (_, action, code) => {
    expectError(action, code);
  });
});

describe('quantizeLinear', () => {
  it('rounds half to even after a true division', () => {
    const x = Float32Array.of(0.5, 1.5, 2.5, -0.5, -1.5, 0.49999997, 126.5, 127.5, -128.5);
    expect([...quantizeLinear(x, 1, 0, 'int8')]).toEqual([0, 2, 2, 0, -2, 0, 126, 127, -128]);
  });

  it('is zeroPoint + rne(fl(x / scale)), saturated', () => {
    const random = new Seeded(21);
    for (const [dtype, low, high] of [
      ['int8', -128, 127],
      ['uint8', 0, 255],
    ] as const) {
      for (let i = 0; i < 50; i++) {
        const scale = Math.fround(2 ** random.integer(-90, 90) * (1 + random.uniform()));
        const zeroPoint = random.integer(low, high);
        const x = random.normals(random.integer(0, 100), scale * 100);
        const codes =
          dtype === 'int8'
            ? quantizeLinear(x, scale, zeroPoint, 'int8')
            : quantizeLinear(x, scale, zeroPoint, 'uint8');
        const exact = Array.from(x, (v) =>
          Math.min(Math.max(zeroPoint + rne(Math.fround(v / scale)), low), high),
        );
        expect([...codes]).toEqual(exact);
      }
    }
  });

  it.each([
    ['±Infinity saturates', [Infinity, -Infinity], 1, 3, [127, -128]],
    ['−0 and subnormals are zero', [-0, 0, SUBNORMAL, -SUBNORMAL], 1, 3, [3, 3, 3, 3]],
    ['subnormals count at the smallest scale', [2 ** -130, 2 ** -100, -(2 ** -99)], 2 ** -100, 0, [0, 1, -2]],
    ['an overflowing quotient saturates', [FLOAT32_MAX, -FLOAT32_MAX], 2 ** -100, 0, [127, -128]],
    ['the largest scale', [FLOAT32_MAX, 2 ** 125], 2 ** 126, 0, [4, 0]],
    ['nothing', [], 1, 0, []],
  ] as const)('%s', (_, x, scale, zeroPoint, codes) => {
    expect([...quantizeLinear(Float32Array.from(x), scale, zeroPoint, 'int8')]).toEqual(codes);
  });

  it('names the first NaN', () => {
    const x = new Float32Array(100).fill(1);
    x[73] = Number.NaN;
    x[80] = Number.NaN;
    expectError(() => quantizeLinear(x, 1, 0, 'int8'), 'ERR_NAN_INPUT', /index 73/);
  });

  it.each([
    ['float64', () => quantizeLinear(untyped([1]), 1, 0, 'int8'), 'ERR_DTYPE'],
    ['scale 0', () => quantizeLinear(new Float32Array(1), 0, 0, 'int8'), 'ERR_ARGUMENT'],
    ['a negative scale', () => quantizeLinear(new Float32Array(1), -1, 0, 'int8'), 'ERR_ARGUMENT'],
    ['a scale below 2^−100', () => quantizeLinear(new Float32Array(1), 2 ** -101, 0, 'int8'), 'ERR_ARGUMENT'],
    ['a scale above 2^126', () => quantizeLinear(new Float32Array(1), 2 ** 127, 0, 'int8'), 'ERR_ARGUMENT'],
    ['an infinite scale', () => quantizeLinear(new Float32Array(1), Infinity, 0, 'int8'), 'ERR_ARGUMENT'],
    ['a zero point beyond int8', () => quantizeLinear(new Float32Array(1), 1, 128, 'int8'), 'ERR_ARGUMENT'],
    ['a zero point below uint8', () => quantizeLinear(new Float32Array(1), 1, -1, 'uint8'), 'ERR_ARGUMENT'],
    ['another dtype', () => quantizeLinear(new Float32Array(1), 1, 0, untyped('int4')), 'ERR_ARGUMENT'],
  ] as const)('refuses %s', (_, action, code) => {
    expectError(action, code);
  });
});

describe('dequantizeLinear', () => {
  it('is fl(scale · fl(q − zeroPoint)) for every code', () => {
    const scale = Math.fround(0.1);
    const signed = Int8Array.from({ length: 256 }, (_, i) => i - 128);
    const unsigned = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(dequantizeLinear(signed, scale, -7)).toEqual(Float32Array.from(signed, (q) => scale * (q + 7)));
    expect(dequantizeLinear(unsigned, scale, 200)).toEqual(
      Float32Array.from(unsigned, (q) => scale * (q - 200)),
    );
  });

  it('takes int32, exactly subtracted', () => {
    const q = Int32Array.of(2 ** 31 - 1, -(2 ** 31), 16777217, 0);
    const zeroPoint = -(2 ** 31);
    expect(dequantizeLinear(q, 0.5, zeroPoint)).toEqual(
      Float32Array.from(q, (v) => 0.5 * Math.fround(v - zeroPoint)),
    );
    expect(dequantizeLinear(q, 1)).toEqual(Float32Array.from(q));
  });

  it('goes through whole arrays of any length', () => {
    const random = new Seeded(22);
    for (const length of [0, 1, 63, 1023, 1024, 1025, 3000]) {
      const q = random.int8s(length);
      expect(dequantizeLinear(q, 0.25, 3)).toEqual(Float32Array.from(q, (v) => (v - 3) * 0.25));
    }
  });

  it.each([
    ['floats', () => dequantizeLinear(untyped(new Float32Array(1)), 1), 'ERR_DTYPE'],
    ['NaN as scale', () => dequantizeLinear(new Int8Array(1), Number.NaN), 'ERR_ARGUMENT'],
    ['scale 0', () => dequantizeLinear(new Int32Array(1), 0), 'ERR_ARGUMENT'],
    ['a zero point beyond uint8', () => dequantizeLinear(new Uint8Array(1), 1, 256), 'ERR_ARGUMENT'],
    ['a zero point beyond int32', () => dequantizeLinear(new Int32Array(1), 1, 2 ** 31), 'ERR_ARGUMENT'],
  ] as const)('refuses %s', (_, action, code) => {
    expectError(action, code);
  });
});

describe('dynamicQuantizeLinear', () => {
  const quantize = (...x: number[]) => {
    const { y, scale, zeroPoint } = dynamicQuantizeLinear(Float32Array.from(x));
    return { y: [...y], scale, zeroPoint };
  };

  it.each([
    ['a positive constant', [5, 5], { y: [255, 255], scale: Math.fround(5 / 255), zeroPoint: 0 }],
    ['a negative constant', [-5, -5], { y: [0, 0], scale: Math.fround(5 / 255), zeroPoint: 255 }],
    ['zeros of both signs', [0, -0, 0], { y: [0, 0, 0], scale: 1, zeroPoint: 0 }],
    ['subnormals', [SUBNORMAL, -SUBNORMAL], { y: [0, 0], scale: 1, zeroPoint: 0 }],
    ['nothing', [], { y: [], scale: 1, zeroPoint: 0 }],
    [
      'infinities, that do not stretch the range',
      [Infinity, -Infinity, 255],
      { y: [255, 0, 255], scale: 1, zeroPoint: 0 },
    ],
    ['only infinities', [Infinity, -Infinity], { y: [255, 0], scale: 1, zeroPoint: 0 }],
    [
      'a range that overflows float32',
      [FLOAT32_MAX, -FLOAT32_MAX],
      { y: [255, 0], scale: Math.fround(FLOAT32_MAX / 255) * 2, zeroPoint: 128 },
    ],
  ])('%s', (_, x, result) => {
    expect(quantize(...x)).toEqual(result);
  });

  it('is the formula: fl(fl(max − min)/255), then QuantizeLinear', () => {
    const random = new Seeded(23);
    for (let i = 0; i < 200; i++) {
      const x = random.normals(random.integer(1, 40), 2 ** random.integer(-60, 60));
      const min = Math.min(0, ...x);
      const max = Math.max(0, ...x);
      const scale = Math.fround(Math.fround(max - min) / 255);
      const zeroPoint = rne(Math.min(Math.max(Math.fround(0 - Math.fround(min / scale)), 0), 255));
      const y = quantizeLinear(x, scale, zeroPoint, 'uint8');
      expect(dynamicQuantizeLinear(x)).toEqual({ y, scale, zeroPoint });
    }
  });

  it('refuses NaN and other types', () => {
    expectError(() => quantize(1, Number.NaN), 'ERR_NAN_INPUT', /index 1/);
    expectError(() => dynamicQuantizeLinear(untyped(new Float64Array(1))), 'ERR_DTYPE');
  });
});
