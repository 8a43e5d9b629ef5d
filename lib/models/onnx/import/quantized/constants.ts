import type { OnnxTensor } from '../../../../formats/onnx';
import { allocateBytes, allocateFloats } from '../../../../formats/sizes';
import { MAX_SCALE, MIN_SCALE } from '../../../../quantization/affine';
import { findOutside } from '../../../../quantization/float32';
import { type GroupSize, int4RowBytes, isGroupSize } from '../../../../quantization/int4';
import type { CodesValue } from '../../../graph';
import type { Budget } from '../budget';

/** real = scale · (code − zeroPoint) */
export type CodesGrid = Omit<CodesValue, 'features'>;

/** What a DequantizeLinear reads where it is constant. */
export interface QuantizedConstant {
  readonly tensor: OnnxTensor;
  /** One, or one for each index of `axis`, or of its blocks: [.., blocks, ..]. */
  readonly scale: Float32Array;
  /** As many as scales; undefined: all 0. */
  readonly zeroPoint: Int32Array | undefined;
  /** Undefined where there is one scale. */
  readonly axis: number | undefined;
  /** Undefined where each index of the axis has a scale of its own. */
  readonly blockSize: number | undefined;
}

/** Weights of a linear node as integers, [outFeatures, inFeatures]. */
export type IntegerWeight =
  | {
      readonly format: 'int8' | 'uint8';
      readonly data: Int8Array | Uint8Array;
      readonly scale: Float32Array;
      readonly zeroPoint: Int32Array | undefined;
    }
  | {
      readonly format: 'int4';
      readonly data: Uint8Array;
      readonly scale: Float32Array;
      readonly groupSize: GroupSize;
    };

/** real = scale[n] · code, one scale or one each. */
export interface IntegerBias {
  readonly codes: Int32Array;
  readonly scale: Float32Array;
}

type Integers = Int8Array | Uint8Array | Int32Array;

/** One integer an element; undefined for types that are no codes. */
export function integersOf({ dtype, data, shape }: OnnxTensor): Integers | undefined {
  if (dtype === 'int8' || dtype === 'uint8' || dtype === 'int32') return data;
  if (dtype !== 'int4' && dtype !== 'uint4') return undefined;
  const count = shape.reduce((a, b) => a * b, 1);
  const nibble = (i: number) => (data[i >> 1]! >> (4 * (i % 2))) & 0x0f;
  return dtype === 'uint4'
    ? Uint8Array.from({ length: count }, (_, i) => nibble(i))
    : Int8Array.from({ length: count }, (_, i) => (nibble(i) << 28) >> 28);
}

/** The scale of each element: of its index along the axis, or of its block there. */
export function scaleIndex(
  { axis, blockSize }: Pick<QuantizedConstant, 'axis' | 'blockSize'>,
  shape: readonly number[],
): (i: number) => number {
  if (axis === undefined) return () => 0;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const size = shape[axis]!;
  if (blockSize === undefined) return (i) => Math.floor(i / inner) % size;
  const blocks = Math.ceil(size / blockSize);
  return (i) => {
    const outer = Math.floor(i / (inner * size));
    const block = Math.floor((Math.floor(i / inner) % size) / blockSize);
    return (outer * blocks + block) * inner + (i % inner);
  };
}

/** fl(fl(q − z) · s), as ONNX Runtime computes it. */
export function dequantized(q: QuantizedConstant, integers: Integers, budget: Budget): Float32Array {
  budget.take(integers.length);
  const result = allocateFloats(integers.length);
  const index = scaleIndex(q, q.tensor.shape);
  for (let i = 0; i < result.length; i++) {
    const j = index(i);
    result[i] = Math.fround(integers[i]! - (q.zeroPoint?.[j] ?? 0)) * q.scale[j]!;
  }
  return result;
}

/** Scales that a model can have. */
export function areScales(scale: Float32Array): boolean {
  return findOutside(scale, MIN_SCALE, MAX_SCALE) === undefined;
}

/** A matrix as the weights of a linear node, `isOutIn` or [in, out]; undefined where no model has such weights. */
export function integerWeight(
  q: QuantizedConstant,
  isOutIn: boolean,
  budget: Budget,
): IntegerWeight | undefined {
  const { tensor, scale, zeroPoint, axis, blockSize } = q;
  const integers = integersOf(tensor);
  if (integers === undefined || integers instanceof Int32Array || !areScales(scale)) return undefined;
  const [rows, columns] = tensor.shape as [number, number];
  const outAxis = isOutIn ? 0 : 1;
  budget.take(integers.length);
  const data = isOutIn ? integers : transposedCodes(integers, rows, columns);
  if (blockSize !== undefined && axis !== outAxis) return int4Weight(q, data, isOutIn);
  if (blockSize !== undefined || (axis !== undefined && axis !== outAxis)) return undefined;
  const format = data instanceof Int8Array ? 'int8' : 'uint8';
  return { format, data, scale, zeroPoint: zeroPoint?.every((z) => z === 0) ? undefined : zeroPoint };
}

/** Groups along the input features, codes in [−7, 7]. */
function int4Weight(
  { tensor, scale, zeroPoint, blockSize }: QuantizedConstant,
  data: Int8Array | Uint8Array,
  isOutIn: boolean,
): IntegerWeight | undefined {
  const isInt4 = tensor.dtype === 'int4' && (zeroPoint?.every((z) => z === 0) ?? true);
  if (!isInt4 || !isGroupSize(blockSize) || data.includes(-8)) return undefined;
  const [outFeatures, inFeatures] = (isOutIn ? tensor.shape : [...tensor.shape].reverse()) as [
    number,
    number,
  ];
  const rowBytes = int4RowBytes(inFeatures);
  const packed = allocateBytes(outFeatures * rowBytes);
  for (let n = 0; n < outFeatures; n++) {
    for (let k = 0; k < inFeatures; k++)
      packed[n * rowBytes + (k >> 1)]! |= (data[n * inFeatures + k]! & 0x0f) << (4 * (k % 2));
  }
  const groups = Math.ceil(inFeatures / blockSize);
  const scales = isOutIn ? scale : transposedFloats(scale, groups, outFeatures);
  return { format: 'int4', data: packed, scale: scales, groupSize: blockSize };
}

function transposedCodes(
  data: Int8Array | Uint8Array,
  rows: number,
  columns: number,
): Int8Array | Uint8Array {
  const bytes = allocateBytes(data.length);
  const result = data instanceof Int8Array ? new Int8Array(bytes.buffer) : bytes;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j]!;
  }
  return result;
}

function transposedFloats(data: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!);
}
