import type { OnnxTensor } from '../../../../formats/onnx';
import { floatsOf } from '../constants';
import type { Operation, Translator } from '../operation';
import { multiply as multiplyValues } from '../operators/arithmetic';
import { linear, type Matrix, weightOf } from '../operators/linear';
import {
  type AccumulatorTerm,
  type ConstantTerm,
  type DynamicTerm,
  product,
  type Term,
  type ValueTerm,
} from '../terms';
import { areScales, type CodesGrid, integersOf, type QuantizedConstant, scaleIndex } from './constants';
import { codesTypeOf, dequantizeFrom, quantizeTo } from './conversions';

/**
 * Operators on integers. Those with all scales known become dequantize, linear and quantize nodes, as QDQ files have them;
 * sums over codes that are found at run time become dynamic linear nodes once their scales are known.
 */

/** QLinearMatMul(a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point) */
export const qLinearMatMul: Translator = (op) => {
  const x = dequantizeFrom(op, op.codes(0), gridAt(op, 1, 2));
  const y = linear(
    op,
    x,
    quantizedWeight(op, { weight: 3, scale: 4, zeroPoint: 5 }, false),
    x.sizes.length,
    temporary(op),
  );
  return quantizeTo(op, y, gridAt(op, 6, 7));
};

/**
 * QGemm(A, a_scale, a_zero_point, B, b_scale, b_zero_point, C, y_scale, y_zero_point): C int32, of scale alpha·sa·sb; without
 * y_scale the output is float32.
 */
export const qGemm: Translator = (op) => {
  if (op.int('transA', 0) !== 0) throw op.unsupported('transA of a value');
  const alpha = op.float('alpha', 1);
  const isOutIn = op.int('transB', 0) !== 0;
  const input = gridAt(op, 1, 2);
  const x = dequantizeFrom(op, op.codes(0), input);
  const weight = timesAlpha(op, quantizedWeight(op, { weight: 3, scale: 4, zeroPoint: 5 }, isOutIn), alpha);
  const codes = op.optionalConstant(6);
  const bias = codes === undefined ? {} : integerBias(op, codes, input, weight);
  const isFloat = op.input(7) === undefined;
  const y = linear(op, x, { ...weight, ...bias }, x.sizes.length, isFloat ? {} : temporary(op));
  return isFloat ? y : quantizeTo(op, y, gridAt(op, 7, 8));
};

export const dynamicQuantizeLinear: Translator = (op) => {
  const of = op.value(0);
  const part = (name: DynamicTerm['part']): DynamicTerm => ({ kind: 'dynamic', part: name, of });
  return [part('codes'), part('scale'), part('zeroPoint')];
};

/** MatMulInteger(A, B, a_zero_point, b_zero_point) of codes that are found at run time. */
export const matMulInteger: Translator = (op): AccumulatorTerm => {
  const x = dynamicPart(op, 0, 'codes');
  checkZeroPoint(op, x, 2);
  const one = Float32Array.of(1);
  const { integer } = integerMatrix(op, { weight: 1, zeroPoint: 3 }, one, false);
  return {
    kind: 'accumulator',
    of: x.of,
    weight: integer,
    name: op.node.inputs[1]!,
    isFloat: false,
    hasScale: false,
  };
};

/** MatMulIntegerToFloat(A, B, a_scale, b_scale, a_zero_point, b_zero_point, bias) */
export const matMulIntegerToFloat: Translator = (op) => {
  const matrix = () => quantizedWeight(op, { weight: 1, scale: 3, zeroPoint: 5 }, false);
  const first = op.input(0);
  if (first?.kind === 'codes') {
    const x = dequantizeFrom(op, first, gridAt(op, 2, 4));
    return withBias(op, linear(op, x, matrix(), x.sizes.length, temporary(op)), 6);
  }
  const x = dynamicPart(op, 0, 'codes');
  const scale = dynamicPart(op, 2, 'scale');
  if (scale.of.name !== x.of.name || scale.weightScale !== undefined)
    throw op.unsupported('the scale of another value');
  checkZeroPoint(op, x, 4);
  return withBias(
    op,
    linear(op, x.of, matrix(), x.of.sizes.length, { ...temporary(op), mode: 'dynamic' }),
    6,
  );
};

/** DynamicQuantizeMatMul(A float, B, b_scale, b_zero_point, bias) */
export const dynamicQuantizeMatMul: Translator = (op) => {
  const x = op.value(0);
  const matrix = quantizedWeight(op, { weight: 1, scale: 2, zeroPoint: 3 }, false);
  return withBias(op, linear(op, x, matrix, x.sizes.length, { ...temporary(op), mode: 'dynamic' }), 4);
};

/** Of scales with each other and with sums of codes; all else is on values. */
export const multiply: Translator = (op) => {
  const [a, b] = [op.input(0), op.input(1)];
  const terms = [a, b];
  const sum = terms.find((term) => term?.kind === 'accumulator');
  const scale = terms.find((term) => term?.kind === 'dynamic');
  if (sum?.kind === 'accumulator') return scaledSum(op, sum, sum === a ? 1 : 0);
  if (scale?.kind === 'dynamic') return timesConstant(op, scale, scale === a ? 1 : 0);
  return multiplyValues(op);
};

/** s[x]·sw */
function timesConstant(op: Operation, scale: DynamicTerm, other: number): DynamicTerm {
  if (scale.part !== 'scale' || scale.weightScale !== undefined) throw op.unsupported('a product of scales');
  return { ...scale, weightScale: floatsOf(op.constant(other)) };
}

/** Σ·s[x], and ·sw: a dynamic linear node when both are there. */
function scaledSum(op: Operation, sum: AccumulatorTerm, other: number): Term {
  if (!sum.isFloat) throw op.unsupported('a product of integers');
  const by = op.input(other);
  if (by?.kind !== 'dynamic' && by?.kind !== 'constant') throw op.unsupported('a scale that is not known');
  if (by.kind === 'dynamic' && (by.part !== 'scale' || by.of.name !== sum.of.name || sum.hasScale))
    throw op.unsupported('the scale of another value');
  const factor = by.kind === 'constant' ? floatsOf(op.constant(other)) : by.weightScale;
  if (factor !== undefined && sum.weightScale !== undefined) throw op.unsupported('two scales of weights');
  const weightScale = factor ?? sum.weightScale;
  const hasScale = sum.hasScale || by.kind === 'dynamic';
  const next = { ...sum, hasScale, ...(weightScale && { weightScale }) };
  return hasScale && weightScale !== undefined ? dynamicLinear(op, next, weightScale) : next;
}

function dynamicLinear(op: Operation, { of, weight, name }: AccumulatorTerm, scale: Float32Array): ValueTerm {
  if (weight.format === 'int4') throw op.unsupported('sums of int4');
  const inFeatures = of.sizes.at(-1)!;
  const outFeatures = weight.data.length / inFeatures;
  if (scale.length !== 1 && scale.length !== outFeatures)
    throw op.unsupported(`${scale.length} scales for ${outFeatures} features`);
  checkScales(op, scale);
  const matrix: Matrix = { ...floatMatrix(op, { ...weight, scale }, inFeatures), outFeatures, inFeatures };
  return linear(op, of, matrix, of.sizes.length, { mode: 'dynamic', weightName: name });
}

function withBias(op: Operation, y: ValueTerm, i: number): ValueTerm {
  const bias = op.optionalConstant(i);
  if (bias === undefined) return y;
  const values = floatsOf(bias);
  if (values.length !== product(y.sizes)) throw op.unsupported(`a bias of ${values.length} elements`);
  return op.affine(y, 1, Float64Array.from(values));
}

/** The operator writes more than one value of the draft: the last one gets its name. */
function temporary(op: Operation): { wish: string } {
  return { wish: `${op.naming.wish}/float32` };
}

function dynamicPart(op: Operation, i: number, part: DynamicTerm['part']): DynamicTerm {
  const term = op.input(i);
  if (term?.kind !== 'dynamic' || term.part !== part)
    throw op.unsupported(`input ${i} that is not of a DynamicQuantizeLinear`);
  return term;
}

function checkZeroPoint(op: Operation, x: DynamicTerm, i: number): void {
  if (dynamicPart(op, i, 'zeroPoint').of.name !== x.of.name)
    throw op.unsupported('the zero point of another value');
}

/** One scale and zero point of a value; its type is the zero point's. */
function gridAt(op: Operation, scale: number, zeroPoint: number): CodesGrid {
  const s = op.optionalNumber(scale);
  const tensor = op.optionalIntegerConstant(zeroPoint);
  const dtype = tensor === undefined ? 'uint8' : codesTypeOf(tensor);
  if (dtype === undefined) throw op.unsupported(`codes of ${tensor?.dtype}`);
  if (s === undefined) throw op.unsupported(`nothing as input ${scale}`);
  const scales = Float32Array.of(s);
  checkScales(op, scales);
  return { dtype, scale: scales, zeroPoint: op.optionalNumber(zeroPoint) ?? 0 };
}

function checkScales(op: Operation, scale: Float32Array): void {
  if (!areScales(scale)) throw op.unsupported('a scale outside of [2^-100, 2^126]');
}

interface Inputs {
  readonly weight: number;
  readonly zeroPoint: number;
}

function quantizedWeight(
  op: Operation,
  inputs: Inputs & { readonly scale: number },
  isOutIn: boolean,
): Matrix {
  const scale = floatsOf(op.constant(inputs.scale));
  checkScales(op, scale);
  return integerMatrix(op, inputs, scale, isOutIn);
}

/** Integer weights, whose scales and zero points are one, or one for each output feature. */
function integerMatrix(
  op: Operation,
  { weight, zeroPoint }: Inputs,
  scale: Float32Array,
  isOutIn: boolean,
): Matrix & { integer: NonNullable<Matrix['integer']> } {
  const tensor = op.anyConstant(weight);
  const zeroPoints = op.optionalIntegerConstant(zeroPoint);
  const z = zeroPoints && Int32Array.from(integersOf(zeroPoints) ?? []);
  const outAxis = isOutIn ? 0 : 1;
  const count = Math.max(scale.length, z?.length ?? 1);
  if (tensor.shape.length !== 2 || (count !== 1 && count !== tensor.shape[outAxis]))
    throw op.unsupported(`${count} scales for weights of [${tensor.shape}]`);
  const quantized: QuantizedConstant = {
    tensor,
    scale: spread(scale, count),
    zeroPoint: z && spread(z, count),
    axis: count === 1 ? undefined : outAxis,
    blockSize: undefined,
  };
  const term: ConstantTerm = { kind: 'constant', tensor: floatTensor(op, quantized), quantized };
  const matrix = weightOf(op, term, isOutIn);
  if (matrix.integer === undefined) throw op.unsupported(`weights of ${tensor.dtype}`);
  return { ...matrix, integer: matrix.integer };
}

function spread<T extends Float32Array | Int32Array>(values: T, count: number): T {
  return values.length === count
    ? values
    : (new (values.constructor as new (n: number) => T)(count).fill(values[0]!) as T);
}

function floatTensor(op: Operation, q: QuantizedConstant): OnnxTensor {
  const integers = integersOf(q.tensor);
  if (integers === undefined) throw op.unsupported(`weights of ${q.tensor.dtype}`);
  op.budget.take(integers.length);
  const index = scaleIndex(q, q.tensor.shape);
  const data = Float32Array.from(
    integers,
    (code, i) => (code - (q.zeroPoint?.[index(i)] ?? 0)) * q.scale[index(i)]!,
  );
  return { name: q.tensor.name, dtype: 'float32', shape: q.tensor.shape, data };
}

/** The same weights in float32. */
function floatMatrix(op: Operation, integer: Exclude<Matrix['integer'], undefined>, inFeatures: number) {
  if (integer.format === 'int4') throw op.unsupported('sums of int4');
  const { data: codes, scale, zeroPoint } = integer;
  op.budget.take(codes.length);
  const at = (values: ArrayLike<number>, n: number) => values[values.length === 1 ? 0 : n]!;
  const data = Float32Array.from(codes, (code, i) => {
    const n = Math.floor(i / inFeatures);
    return (code - (zeroPoint ? at(zeroPoint, n) : 0)) * at(scale, n);
  });
  return { data, integer };
}

/** The factor goes into the weights' scales: fl(α·sw). */
function timesAlpha(op: Operation, matrix: Matrix, alpha: number): Matrix {
  const { integer } = matrix;
  if (alpha === 1 || integer === undefined || integer.format === 'int4') return matrix;
  const scale = integer.scale.map((s) => s * alpha);
  checkScales(op, scale);
  return { ...matrix, data: matrix.data.map((w) => w * alpha), integer: { ...integer, scale } };
}

function integerBias(op: Operation, tensor: OnnxTensor, input: CodesGrid, { outFeatures, integer }: Matrix) {
  if (tensor.dtype !== 'int32' || tensor.data.length !== outFeatures || integer === undefined)
    throw op.unsupported(`a bias of ${tensor.data.length} ${tensor.dtype}`);
  const codes = tensor.data;
  const scale = integer.scale.map((sw) => input.scale[0]! * sw);
  const bias = Float32Array.from(codes, (code, n) => code * scale[scale.length === 1 ? 0 : n]!);
  return { bias, integerBias: { codes, scale } };
}
