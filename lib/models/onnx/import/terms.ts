import type { OnnxTensor } from '../../../formats/onnx';
import type { IntegerWeight, QuantizedConstant } from './quantized/constants';

/** Stands for the number of rows in sizes that are computed from a shape. */
export const BATCH = 'batch';
export type Size = number | typeof BATCH;

/** What a name of an ONNX graph stands for while it is read. */
export type Term =
  | ConstantTerm
  | SizesTerm
  | ValueTerm
  | CodesTerm
  | DynamicTerm
  | AccumulatorTerm
  | UnknownTerm;

export interface ConstantTerm {
  readonly kind: 'constant';
  readonly tensor: OnnxTensor;
  /** What a DequantizeLinear made `tensor` of. */
  readonly quantized?: QuantizedConstant;
}

/** Integers computed from a shape with the batch among them. shape: [] or [sizes.length]. */
export interface SizesTerm {
  readonly kind: 'sizes';
  readonly shape: readonly number[];
  readonly sizes: readonly Size[];
}

/** A value of the model, seen in the shape [batch, ...sizes]. Its features are those sizes' product. */
export interface ValueTerm {
  readonly kind: 'value';
  /** In the draft. */
  readonly name: string;
  readonly sizes: readonly number[];
}

/** A value that holds codes, seen in the shape [batch, ...sizes]; its grid is the draft's. */
export interface CodesTerm {
  readonly kind: 'codes';
  readonly name: string;
  readonly sizes: readonly number[];
  readonly dtype: 'int8' | 'uint8';
}

/** One of the three that DynamicQuantizeLinear makes of a value; the scale maybe times that of weights. */
export interface DynamicTerm {
  readonly kind: 'dynamic';
  readonly part: 'codes' | 'scale' | 'zeroPoint';
  readonly of: ValueTerm;
  readonly weightScale?: Float32Array;
}

/** Sums of MatMulInteger over codes that are found at run time; the weights' scale comes later. */
export interface AccumulatorTerm {
  readonly kind: 'accumulator';
  readonly of: ValueTerm;
  readonly weight: IntegerWeight;
  /** Of the weights. */
  readonly name: string;
  readonly isFloat: boolean;
  readonly hasScale: boolean;
  readonly weightScale?: Float32Array;
}

/** What an operator that is not supported gives. */
export interface UnknownTerm {
  readonly kind: 'unknown';
}

export const UNKNOWN: UnknownTerm = { kind: 'unknown' };

export const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

export const sameSizes = (a: ValueTerm, b: ValueTerm) =>
  a.sizes.length === b.sizes.length && a.sizes.every((size, i) => size === b.sizes[i]);
