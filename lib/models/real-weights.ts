import { int4RowBytes } from '../quantization/int4';
import { type Weight, weightZeroPoint } from './graph';

/** The real numbers that weights stand for, [outFeatures, inFeatures]: scale · (code − zeroPoint), rounded to float32. */
export function realWeights(weight: Weight, outFeatures: number, inFeatures: number): Float32Array {
  if (weight.format === 'float32') return weight.data;
  const { scale } = weight;
  const data = weight.data;
  const reals = new Float32Array(outFeatures * inFeatures);
  const code =
    weight.format === 'int4'
      ? int4Code(data, inFeatures)
      : (n: number, k: number) => data[n * inFeatures + k]!;
  const zeroPoint = weightZeroPoint(weight) ?? Int32Array.of(0);
  const groupSize = weight.format === 'int4' ? weight.groupSize : inFeatures;
  const perRow = scale.length === 1 ? 0 : Math.ceil(inFeatures / groupSize);
  for (let n = 0; n < outFeatures; n++) {
    const zero = zeroPoint[zeroPoint.length === 1 ? 0 : n]!;
    for (let k = 0; k < inFeatures; k++) {
      const group = perRow === 0 ? 0 : n * perRow + Math.floor(k / groupSize);
      reals[n * inFeatures + k] = scale[group]! * (code(n, k) - zero);
    }
  }
  return reals;
}

/** Two's complement in nibbles, the low one the even k. */
function int4Code(data: Uint8Array | Int8Array, inFeatures: number): (n: number, k: number) => number {
  const rowBytes = int4RowBytes(inFeatures);
  return (n, k) => {
    const byte = data[n * rowBytes + (k >> 1)]!;
    const nibble = k % 2 === 0 ? byte & 0x0f : (byte >> 4) & 0x0f;
    return nibble >= 8 ? nibble - 16 : nibble;
  };
}
