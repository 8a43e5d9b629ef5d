/** What is read from a .onnx file, as plain data: nothing here knows protobuf. */

/** The arrays that hold each element type. float16 and bfloat16 are widened to float32; int4 and uint4 stay packed. */
export interface OnnxArrays {
  float32: Float32Array;
  float64: Float64Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  /** 0 or 1 in each byte. */
  bool: Uint8Array;
  /** Two in a byte, the first in the low half; ceil(elements / 2) bytes. */
  int4: Uint8Array;
  uint4: Uint8Array;
}
export type OnnxArrayType = keyof OnnxArrays;

/** A constant, row-major; shape [] is a scalar. */
export type OnnxTensor = {
  readonly [D in OnnxArrayType]: {
    readonly name: string;
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: OnnxArrays[D];
  };
}[OnnxArrayType];

export type OnnxAttribute =
  | { readonly type: 'float'; readonly value: number }
  /** An int64; beyond ±2^53 the nearest number. */
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'tensor'; readonly value: OnnxTensor }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'ints'; readonly value: readonly number[] }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  /** A graph, a sparse tensor …: the type's name. */
  | { readonly type: 'other'; readonly value: string };

export interface OnnxNode {
  /** May be empty, and need not be unique. */
  readonly name: string;
  readonly opType: string;
  /** '' for ONNX's own operators ('ai.onnx' is the same). */
  readonly domain: string;
  /** Value names; an empty one is an optional input or output that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

/** An input, an output, or what is known of a value between them. */
export interface OnnxValueInfo {
  readonly name: string;
  /** Undefined where the file does not say, or for what is no tensor. */
  readonly type?: {
    /** An element type of ONNX in lower case, such as 'float32' or 'float16'. */
    readonly elementType: string;
    /** A size, a name that stands for one size, or undefined; no shape: any rank. */
    readonly shape?: readonly (number | string | undefined)[];
  };
}

export interface OnnxGraph {
  readonly name: string;
  /** Without those that are initializers as well. */
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  /** Value infos by name. */
  readonly values: ReadonlyMap<string, OnnxValueInfo>;
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  /** Topologically sorted; each value is written once, before it is read. */
  readonly nodes: readonly OnnxNode[];
}

export interface OnnxModel {
  /** Name and version of the program that wrote the file. */
  readonly producer: string;
  /** Version of each domain's operators; ONNX's own is ''. */
  readonly opsets: ReadonlyMap<string, number>;
  /** metadata_props; has no prototype. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly graph: OnnxGraph;
}
