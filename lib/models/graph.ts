import { type Fp8Grid, type Fp8Weights, formatOfGrid, gridDenominators, isFp8Weights } from '../fp8/grid';
import type { Attributes, ElementwiseOp } from '../layers/elementwise';
import type { Format, LayerQuantization } from '../layers/layer';
import type { WeightBits } from '../quantization/bits';
import { type Int4Weights, int4RowBytes } from '../quantization/int4';
import type { Rounding } from '../quantization/rounding';

/**
 * The one form of every model, in memory and in files (docs/model-format.md): nodes in order that read and write
 * named values; one input, one output. A chain is the special case.
 */
export interface Graph {
  readonly kind: 'float' | 'quantized';
  /** Default of the static nodes of a quantized model. */
  readonly rounding: Rounding;
  readonly input: string;
  readonly output: string;
  readonly values: ReadonlyMap<string, Value>;
  /** Topologically sorted; each value is written once, before it is read. */
  readonly nodes: readonly Node[];
  /** What made the model: information only. */
  readonly record: readonly RecordStep[];
}

export type RecordStep = Readonly<Record<string, unknown>> & { readonly step: string };

/** real = scale · (code − zeroPoint). A scale a feature is allowed for the input alone. */
export interface CodesValue {
  readonly features: number;
  readonly dtype: 'int8' | 'uint8';
  readonly scale: Float32Array;
  readonly zeroPoint: number;
  /** Clamp bounds as codes; a fused ReLU is only that. */
  readonly min?: number;
  readonly max?: number;
}

/** Numbers of a float8 grid, held as float32. A quantize node writes them, linear nodes of mode fp8 read them. */
export interface Fp8Value {
  readonly features: number;
  readonly dtype: 'fp8';
  /** One scale or largest number. */
  readonly fp8: Fp8Grid;
}

export type Value = { readonly features: number; readonly dtype: 'float32' } | CodesValue | Fp8Value;

export function isCodes(value: Value): value is CodesValue {
  return value.dtype === 'int8' || value.dtype === 'uint8';
}

/** Clamp bounds of a value's codes. */
export function codeBounds(value: CodesValue): { min: number; max: number } {
  const { lo, hi } = codeRange(value.dtype);
  return { min: value.min ?? lo, max: value.max ?? hi };
}

/** Codes of so many bits in a byte: 0…15 or −8…7 of 4. */
export function codeRange(dtype: 'int8' | 'uint8', bits = 8): { lo: number; hi: number } {
  const count = 2 ** bits;
  return dtype === 'int8' ? { lo: -count / 2, hi: count / 2 - 1 } : { lo: 0, hi: count - 1 };
}

/** Whether two values hold the same codes for the same reals. */
export function sameGrid(a: CodesValue, b: CodesValue): boolean {
  return (
    a.dtype === b.dtype &&
    a.zeroPoint === b.zeroPoint &&
    a.scale.length === b.scale.length &&
    a.scale.every((s, i) => s === b.scale[i])
  );
}

/** Bits of int8 weights that are fewer than 8. */
export type NarrowBits = Exclude<WeightBits, 8>;

/**
 * [outFeatures, inFeatures]. float8 formats have a byte a weight (modes fp8, weight-only). int4 works on float32 inputs
 * (dynamic, weight-only). int8 and uint8 have a scale, one or one an output feature, and maybe zero points; int8 of fewer
 * `bits` holds codes ±(2^(bits − 1) − 1).
 */
export type Weight =
  | { readonly format: 'float32'; readonly data: Float32Array }
  | {
      readonly format: 'int8' | 'uint8';
      readonly data: Int8Array | Uint8Array;
      readonly scale: Float32Array;
      readonly zeroPoint?: Int32Array;
      /** Missing: 8. */
      readonly bits?: NarrowBits;
    }
  | ({ readonly format: 'int4' } & Int4Weights)
  | Fp8Weights;

export type LinearMode = 'float' | 'static' | 'dynamic' | 'weight-only' | 'fp8';

interface NodeBase {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly output: string;
}

export interface LinearNode extends NodeBase {
  readonly op: 'linear';
  readonly mode: LinearMode;
  readonly rounding?: Rounding;
  readonly weight: Weight;
  /** int32 for 'static', else float32. */
  readonly bias?: Int32Array | Float32Array;
  /** Float models: the grid that `quantize` is to keep. */
  readonly quantization?: LayerQuantization;
}

export interface ElementwiseNode extends NodeBase {
  readonly op: ElementwiseOp;
  readonly attributes: Attributes;
  /** Between codes: entry i is the output code of input code lo + i. */
  readonly table?: Uint8Array | Int8Array;
}

/** (x − mean) / sqrt(variance + epsilon)·gamma + beta over a row; reads float32 or codes, computes in float32. */
export interface LayerNormNode extends NodeBase {
  readonly op: 'layerNorm';
  readonly epsilon: number;
  /** [features]; missing: none. */
  readonly gamma?: Float32Array;
  readonly beta?: Float32Array;
}

/** Work on float32; between codes they dequantize, compute and quantize (concat copies codes of one grid). */
export interface PlainNode extends NodeBase {
  readonly op: 'softmax' | 'logSoftmax' | 'add' | 'concat' | 'quantize' | 'dequantize';
}

export type Node = LinearNode | ElementwiseNode | LayerNormNode | PlainNode;

export const PLAIN_OPS: readonly PlainNode['op'][] = [
  'softmax',
  'logSoftmax',
  'add',
  'concat',
  'quantize',
  'dequantize',
];

/** Nodes that read each value, in order. The model's output counts as a reader: `undefined`. */
export function readersOf(graph: Pick<Graph, 'nodes' | 'output'>): Map<string, (Node | undefined)[]> {
  const readers = new Map<string, (Node | undefined)[]>([[graph.output, [undefined]]]);
  for (const node of graph.nodes) {
    for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node]);
  }
  return readers;
}

/** Bits that the file states: those of int8 codes that are narrower than their bytes. */
export function narrowBits(weight: Weight): NarrowBits | undefined {
  return weight.format === 'int8' ? weight.bits : undefined;
}

export function weightZeroPoint(weight: Weight): Int32Array | undefined {
  return weight.format === 'int8' || weight.format === 'uint8' ? weight.zeroPoint : undefined;
}

function weightRowBytes(format: Weight['format'], inFeatures: number): number {
  if (format === 'float32') return 4 * inFeatures;
  return format === 'int4' ? int4RowBytes(inFeatures) : inFeatures;
}

/** What a layer's weights are made of. */
export function weightFormat(weight: Weight): Format {
  if (isFp8Weights(weight)) return formatOfGrid(weight);
  return weight.format === 'uint8' ? 'int8' : weight.format;
}

function weightParameterBytes(weight: Weight): number {
  if (weight.format === 'float32') return 0;
  if (isFp8Weights(weight)) return gridDenominators(weight).byteLength;
  return weight.scale.byteLength + (weightZeroPoint(weight)?.byteLength ?? 0);
}

/** Bytes of a node's own tensors. */
export function nodeBytes(node: Node, { values }: Pick<Graph, 'values'>): number {
  if (node.op === 'linear') {
    const { weight, bias } = node;
    // Not weight.data.byteLength: those of a plan would be unpacked for it.
    const [outFeatures, inFeatures] = [node.output, node.inputs[0]!].map(
      (name) => values.get(name)!.features,
    );
    const codes = outFeatures! * weightRowBytes(weight.format, inFeatures!);
    return codes + weightParameterBytes(weight) + (bias?.byteLength ?? 0);
  }
  if (node.op === 'layerNorm') return (node.gamma?.byteLength ?? 0) + (node.beta?.byteLength ?? 0);
  return 'table' in node ? (node.table?.byteLength ?? 0) : 0;
}
