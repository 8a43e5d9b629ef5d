import type { OnnxTensor } from '../../../formats/onnx';

/** Stands for the number of rows in sizes that are computed from a shape. */
export const BATCH = 'batch';
export type Size = number | typeof BATCH;

/** What a name of an ONNX graph stands for while it is read. */
export type Term = ConstantTerm | SizesTerm | ValueTerm | UnknownTerm;

export interface ConstantTerm {
  readonly kind: 'constant';
  readonly tensor: OnnxTensor;
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

/** What an operator that is not supported gives. */
export interface UnknownTerm {
  readonly kind: 'unknown';
}

export const UNKNOWN: UnknownTerm = { kind: 'unknown' };

export const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

export const sameSizes = (a: ValueTerm, b: ValueTerm) =>
  a.sizes.length === b.sizes.length && a.sizes.every((size, i) => size === b.sizes[i]);
