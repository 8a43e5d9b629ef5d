import { MIN_SCALE } from './affine';

/**
 * int4 weights: w = scale[n, g] · q, q in [−7, 7], g = floor(k / groupSize). `data` [outFeatures, ceil(inFeatures / 2)]
 * holds two codes a byte, the low nibble the even k, both in two's complement; the nibble behind an odd row is 0.
 */
export interface Int4Weights {
  readonly data: Uint8Array;
  /** [outFeatures, groups] */
  readonly scale: Float32Array;
  readonly groupSize: number;
}

export const GROUP_SIZES = [32, 64, 128] as const;
export const DEFAULT_GROUP_SIZE = 64;

export type GroupSize = (typeof GROUP_SIZES)[number];

export function isGroupSize(value: unknown): value is GroupSize {
  return (GROUP_SIZES as readonly unknown[]).includes(value);
}

const MAX_CODE = 7;
/** x + this − this is rne(x) for |x| < 2^51. */
const SHIFTER = 1.5 * 2 ** 52;

export function groupCount(inFeatures: number, groupSize: number): number {
  return Math.ceil(inFeatures / groupSize);
}

/** Bytes of a row. */
export function int4RowBytes(inFeatures: number): number {
  return Math.ceil(inFeatures / 2);
}

/**
 * s[n, g] = the smallest float32 of 8 significant bits that is ≥ fl(max|w| / 7): so a scale takes two bytes of what a
 * product reads. A group of zeros takes the layer's largest scale (1 if none). Source: docs/numerics.md.
 */
export function int4Scales(weight: Float32Array, outFeatures: number, groupSize: number): Float32Array {
  const inFeatures = weight.length / outFeatures;
  const groups = groupCount(inFeatures, groupSize);
  const scales = new Float32Array(outFeatures * groups);
  for (let n = 0; n < outFeatures; n++) {
    for (let k = 0; k < inFeatures; k++) {
      const i = n * groups + Math.floor(k / groupSize);
      scales[i] = Math.max(scales[i]!, Math.abs(weight[n * inFeatures + k]!));
    }
  }
  const bits = new Uint32Array(scales.buffer);
  for (let i = 0; i < scales.length; i++) {
    scales[i] = scales[i]! / MAX_CODE;
    bits[i] = (bits[i]! + 0xffff) & 0xffff0000;
  }
  const largest = scales.reduce((a, b) => Math.max(a, b), 0);
  const fallback = largest < MIN_SCALE ? 1 : largest;
  return scales.map((scale) => (scale < MIN_SCALE ? fallback : scale));
}

/** q = clamp(rne(fl(w/s)), ±7), two a byte. */
export function quantizeInt4(
  weight: Float32Array,
  outFeatures: number,
  groupSize: number,
  scale: Float32Array = int4Scales(weight, outFeatures, groupSize),
): Int4Weights {
  const inFeatures = weight.length / outFeatures;
  const groups = groupCount(inFeatures, groupSize);
  const rowBytes = int4RowBytes(inFeatures);
  const data = new Uint8Array(outFeatures * rowBytes);
  for (let n = 0; n < outFeatures; n++) {
    for (let k = 0; k < inFeatures; k++) {
      const quotient = Math.fround(
        weight[n * inFeatures + k]! / scale[n * groups + Math.floor(k / groupSize)]!,
      );
      const code = Math.min(Math.max(quotient + SHIFTER - SHIFTER, -MAX_CODE), MAX_CODE);
      data[n * rowBytes + (k >> 1)]! |= (code & 0x0f) << (k % 2 === 0 ? 0 : 4);
    }
  }
  return { data, scale, groupSize };
}

/** The first byte whose nibbles are no codes: −8, or something behind an odd row. Undefined where all are. */
export function invalidInt4Byte(data: Uint8Array, inFeatures: number): number | undefined {
  const rowBytes = int4RowBytes(inFeatures);
  const odd = inFeatures % 2 !== 0;
  for (let i = 0; i < data.length; i++) {
    const [low, high] = [data[i]! & 0x0f, data[i]! >> 4];
    if (low === 8 || high === 8) return i;
    if (odd && high !== 0 && i % rowBytes === rowBytes - 1) return i;
  }
  return undefined;
}
