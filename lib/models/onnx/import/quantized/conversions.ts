import type { OnnxTensor } from '../../../../formats/onnx';
import { roundHalfEven } from '../../../../quantization/affine';
import { codeRange } from '../../../graph';
import { floatsOf, isFloat, numbersOf } from '../constants';
import type { Operation, Translator } from '../operation';
import { type CodesTerm, product, type Term, type ValueTerm } from '../terms';
import { areScales, type CodesGrid, dequantized, integersOf, scaleIndex } from './constants';

/** QuantizeLinear and DequantizeLinear, of values and of constants. */

/** ONNX's numbers of the types of codes. */
const CODES_TYPES: ReadonlyMap<number, 'uint8' | 'int8'> = new Map([
  [2, 'uint8'],
  [3, 'int8'],
]);

export function codesTypeOf(tensor: OnnxTensor): 'uint8' | 'int8' | undefined {
  return tensor.dtype === 'uint8' || tensor.dtype === 'int8' ? tensor.dtype : undefined;
}

/** Scales, and zero points as many; the axis that they run along. */
interface Parameters {
  readonly scale: Float32Array;
  readonly zeroPoint: Int32Array | undefined;
  readonly zeroPointTensor: OnnxTensor | undefined;
  readonly axis: number;
  readonly blockSize: number | undefined;
}

/** Inputs 1 and 2, and the attributes of both operators. */
function parameters(op: Operation): Parameters {
  const scaleTensor = op.constant(1);
  if (!isFloat(scaleTensor)) throw op.unsupported(`a scale of ${scaleTensor.dtype}`);
  const scale = floatsOf(scaleTensor);
  if (!scale.every((s) => s > 0 && Number.isFinite(s))) throw op.unsupported('a scale that is not positive');
  const zeroPointTensor = op.optionalIntegerConstant(2);
  const zeroPoint = zeroPointTensor && integersOf(zeroPointTensor);
  if (zeroPointTensor !== undefined && zeroPoint === undefined)
    throw op.unsupported(`a zero point of ${zeroPointTensor.dtype}`);
  if (zeroPoint !== undefined && zeroPoint.length !== scale.length)
    throw op.unsupported(`${zeroPoint.length} zero points beside ${scale.length} scales`);
  op.ignore('saturate', 'precision');
  const blockSize = op.int('block_size', 0);
  return {
    scale,
    zeroPoint: zeroPoint && Int32Array.from(zeroPoint),
    zeroPointTensor,
    axis: op.int('axis', 1),
    blockSize: blockSize === 0 ? undefined : blockSize,
  };
}

/** The grid of a value of codes: one scale, or one a feature and one zero point. */
function valueGrid(op: Operation, x: ValueTerm | CodesTerm, dtype: 'uint8' | 'int8'): CodesGrid {
  const { scale, zeroPoint, axis, blockSize } = parameters(op);
  if (blockSize !== undefined) throw op.unsupported('block_size of a value');
  if (!areScales(scale)) throw op.unsupported('a scale outside of [2^-100, 2^126]');
  const z = zeroPoint?.[0] ?? 0;
  if (scale.length > 1) {
    const rank = x.sizes.length + 1;
    const isFeatures = rank === 2 && (axis === 1 || axis === -1) && scale.length === x.sizes[0];
    if (!isFeatures || zeroPoint?.some((other) => other !== z))
      throw op.unsupported('scales that are not one for each feature with one zero point');
  }
  return { dtype, scale: scale.slice(), zeroPoint: z };
}

export const quantizeLinear: Translator = (op) => {
  const x = op.value(0);
  const zeroPoint = op.optionalIntegerConstant(2);
  const wanted = op.int('output_dtype', 0);
  const dtype =
    zeroPoint === undefined
      ? (CODES_TYPES.get(wanted === 0 ? 2 : wanted) ?? undefined)
      : codesTypeOf(zeroPoint);
  if (dtype === undefined) throw op.unsupported(`codes of ${zeroPoint?.dtype ?? `type ${wanted}`}`);
  return quantizeTo(op, x, valueGrid(op, x, dtype));
};

/** Codes of a value, by a node of the draft. */
export function quantizeTo(op: Operation, x: ValueTerm, grid: CodesGrid): CodesTerm {
  const { name, source, wish } = op.naming;
  const isStep = op.scope.isStep(op.node.name, 'quantize');
  const node = { op: 'quantize' as const, name, source, inputs: [x.name], isStep };
  const codes = op.draft.add(node, product(x.sizes), wish);
  op.draft.grids.set(codes, grid);
  return { kind: 'codes', name: codes, sizes: x.sizes, dtype: grid.dtype };
}

export const dequantizeLinear: Translator = (op) => {
  const x = op.codes(0);
  return dequantizeFrom(op, x, valueGrid(op, x, x.dtype));
};

/** The value of codes, by a node of the draft. */
export function dequantizeFrom(op: Operation, x: CodesTerm, grid: CodesGrid): ValueTerm {
  const { draft } = op;
  const known = draft.grids.get(x.name);
  if (known === undefined) draft.grids.set(x.name, grid);
  else if (!isSame(known, grid))
    throw op.unsupported('another scale or zero point than its codes were made with');
  const { name, source, wish } = op.naming;
  const isStep = op.scope.isStep(op.node.name, 'dequantize');
  const node = { op: 'dequantize' as const, name, source, inputs: [x.name], isStep };
  return { kind: 'value', name: draft.add(node, product(x.sizes), wish), sizes: x.sizes };
}

/** Codes with a scale a feature may be read with scale 1: the scales are then in the weights that read them. */
function isSame(a: CodesGrid, b: CodesGrid): boolean {
  const sameScale =
    a.scale.length === b.scale.length
      ? a.scale.every((s, i) => s === b.scale[i])
      : a.scale.length > 1 && b.scale.length === 1 && b.scale[0] === 1;
  return a.dtype === b.dtype && a.zeroPoint === b.zeroPoint && sameScale;
}

/** Constants that are stored as integers: weights, biases. */
export const dequantizeConstant: Translator = (op): Term => {
  const tensor = op.anyConstant(0);
  const integers = integersOf(tensor);
  if (integers === undefined) throw op.unsupported(`codes of ${tensor.dtype}`);
  const { scale, zeroPoint, ...rest } = parameters(op);
  const shape = tensor.shape;
  const axis = rest.axis < 0 ? rest.axis + shape.length : rest.axis;
  const isOne = scale.length === 1 && rest.blockSize === undefined;
  const quantized = { tensor, scale, zeroPoint, axis: isOne ? undefined : axis, blockSize: rest.blockSize };
  if (!isOne) {
    const size = shape[axis] ?? 0;
    const blocks = rest.blockSize === undefined ? size : Math.ceil(size / rest.blockSize);
    const others = rest.blockSize === undefined ? 1 : product(shape) / Math.max(size, 1);
    if (scale.length !== blocks * others)
      throw op.unsupported(`${scale.length} scales for [${shape}], axis ${rest.axis}`);
  }
  const data = dequantized(quantized, integers, op.budget);
  return { kind: 'constant', tensor: { name: tensor.name, dtype: 'float32', shape, data }, quantized };
};

/** clamp(rne(fl(x/s)) + z): weights that a file quantizes when it is loaded. */
export const quantizeConstant: Translator = (op): Term => {
  const tensor = op.constant(0);
  const { scale, zeroPoint, zeroPointTensor, axis, blockSize } = parameters(op);
  const wanted = CODES_TYPES.get(op.int('output_dtype', 2));
  const dtype = zeroPointTensor === undefined ? wanted : codesTypeOf(zeroPointTensor);
  if (dtype === undefined || blockSize !== undefined)
    throw op.unsupported('codes of another type than int8 and uint8');
  const { lo, hi } = codeRange(dtype);
  const shape = tensor.shape;
  const along = scale.length === 1 ? undefined : axis < 0 ? axis + shape.length : axis;
  if (along !== undefined && shape[along] !== scale.length)
    throw op.unsupported(`${scale.length} scales for [${shape}]`);
  const index = scaleIndex({ axis: along, blockSize }, shape);
  const values = numbersOf(tensor);
  op.budget.take(values.length);
  const data = dtype === 'int8' ? new Int8Array(values.length) : new Uint8Array(values.length);
  for (let i = 0; i < data.length; i++) {
    const j = index(i);
    const steps = roundHalfEven(Math.fround(Math.fround(values[i]!) / scale[j]!));
    if (Number.isNaN(steps)) throw op.unsupported('NaN as a constant');
    data[i] = Math.min(Math.max(steps + (zeroPoint?.[j] ?? 0), lo), hi);
  }
  return { kind: 'constant', tensor: { name: tensor.name, dtype, shape, data } as OnnxTensor };
};
