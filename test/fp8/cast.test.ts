import { describe, expect, it } from 'vitest';
import { decode, encode, type StorageFormat } from '../../lib/fp8';
import { expectError } from '../support/errors';

const ALL = Uint8Array.from({ length: 256 }, (_, code) => code);
const bits = (x: Float32Array) => [...new Uint32Array(x.buffer)];

/** Written from the tables of ONNX's "Float stored in 8 bits": S.EEEE.MMM with bias 7, S.EEEEE.MM with bias 15. */
function meaning(code: number, format: StorageFormat): number {
  const [m, bias] = format === 'e4m3fn' ? [3, 7] : [2, 15];
  const sign = code & 0x80 ? -1 : 1;
  const [exponent, mantissa] = [(code & 0x7f) >> m, code & (2 ** m - 1)];
  if (format === 'e4m3fn' && (code & 0x7f) === 0x7f) return Number.NaN;
  if (format === 'e5m2' && exponent === 31) return mantissa === 0 ? sign / 0 : Number.NaN;
  return exponent === 0
    ? sign * mantissa * 2 ** (1 - bias - m)
    : sign * (1 + mantissa / 2 ** m) * 2 ** (exponent - bias);
}

describe.each(['e4m3fn', 'e5m2'] as const)('%s', (format) => {
  it('decodes all 256 codes as ONNX says', () => {
    expect([...decode(ALL, format)]).toEqual([...ALL].map((code) => meaning(code, format)));
  });

  it('all 256 codes come back', () => {
    const oneNaN = (code: number) => (Number.isNaN(meaning(code, format)) ? (code & 0x80) | 0x7f : code);
    expect([...encode(decode(ALL, format), format, { saturate: false })]).toEqual([...ALL].map(oneNaN));
  });

  it('saturating, infinities become the largest number and all others stay', () => {
    const largest = format === 'e4m3fn' ? 0x7e : 0x7b;
    const back = encode(decode(ALL, format), format);
    for (const code of ALL) {
      const value = meaning(code, format);
      if (Number.isNaN(value)) expect(back[code]! & 0x7f).toBe(0x7f);
      else if (Number.isFinite(value)) expect(back[code]).toBe(code);
      else expect(back[code]).toBe((code & 0x80) | largest);
    }
  });

  it('rounds to nearest, ties to even: every tie and its neighbours', () => {
    const top = format === 'e4m3fn' ? 0x7e : 0x7b;
    for (let code = 0; code < top; code++) {
      const [low, high] = [meaning(code, format), meaning(code + 1, format)];
      const tie = (low + high) / 2;
      const even = code % 2 === 0 ? code : code + 1;
      const step = 2 ** -12 * tie;
      const x = Float32Array.of(tie - step, tie, tie + step, -tie);
      expect([...encode(x, format)]).toEqual([code, even, code + 1, even | 0x80]);
    }
  });

  it('keeps −0 and the sign of NaN', () => {
    const x = Float32Array.of(-0, 0, 0, 0);
    new Uint32Array(x.buffer).set([0x7fc00000, 0xffc00000], 2);
    for (const saturate of [true, false])
      expect([...encode(x, format, { saturate })]).toEqual([0x80, 0, 0x7f, 0xff]);
    expect(bits(decode(Uint8Array.of(0x80, 0x7f, 0xff), format))).toEqual([
      0x80000000, 0x7fc00000, 0xffc00000,
    ]);
  });

  it('refuses other types', () => {
    expectError(() => encode([1] as never, format), 'ERR_DTYPE');
    expectError(() => decode(new Int8Array(1) as never, format), 'ERR_DTYPE');
    expectError(() => encode(Float32Array.of(1), 'fp8' as never), 'ERR_ARGUMENT');
    expectError(() => decode(new Uint8Array(1), 'float16' as never), 'ERR_ARGUMENT');
    expectError(() => encode(Float32Array.of(1), format, { saturate: 1 as never }), 'ERR_ARGUMENT');
    expectError(() => encode(Float32Array.of(1), format, { clip: true } as never), 'ERR_ARGUMENT');
  });
});

describe('overflow, judged after rounding', () => {
  const x = Float32Array.of(464, 464.00003, 1e5, Number.POSITIVE_INFINITY, -465, -Infinity);
  it('e4m3fn', () => {
    expect([...encode(x, 'e4m3fn')]).toEqual([0x7e, 0x7e, 0x7e, 0x7e, 0xfe, 0xfe]);
    expect([...encode(x, 'e4m3fn', { saturate: false })]).toEqual([0x7e, 0x7f, 0x7f, 0x7f, 0xff, 0xff]);
  });
  it('e5m2', () => {
    const y = Float32Array.of(61439.996, 61440, 1e6, Number.POSITIVE_INFINITY, -61440);
    expect([...encode(y, 'e5m2')]).toEqual([0x7b, 0x7b, 0x7b, 0x7b, 0xfb]);
    expect([...encode(y, 'e5m2', { saturate: false })]).toEqual([0x7b, 0x7c, 0x7c, 0x7c, 0xfc]);
  });
});

/** ONNX QuantizeLinear's examples: [0, 1, 2, 1e5, 200] with scale 2. */
it('the reference vectors of ONNX', () => {
  const x = Float32Array.of(0, 1, 2, 1e5, 200).map((v) => v / 2);
  expect([...decode(encode(x, 'e4m3fn'), 'e4m3fn')]).toEqual([0, 0.5, 1, 448, 96]);
  expect([...decode(encode(x, 'e5m2'), 'e5m2')]).toEqual([0, 0.5, 1, 49152, 96]);
});
