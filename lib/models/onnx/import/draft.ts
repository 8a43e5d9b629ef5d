import type { Attributes, ElementwiseOp } from '../../../layers/elementwise';
import type { Budget } from './budget';
import { type Affine, compose, type Factor, isAll } from './factor';
import type { CodesGrid, IntegerBias, IntegerWeight } from './quantized/constants';

/** What every node of a draft has. */
interface Common {
  /** A wish for the node's name in the model. */
  readonly name: string;
  readonly inputs: readonly string[];
  readonly output: string;
  /** The operator of the file, for messages. */
  readonly source: string;
}

export interface LinearDraft extends Common {
  readonly op: 'linear';
  /** [outFeatures, inFeatures] */
  readonly weight: Float32Array;
  readonly bias: Float32Array | undefined;
  /** What the weight was dequantized from; for int4, undefined where that fits no group size of a model. */
  readonly integer?: IntegerWeight;
  readonly integerBias?: IntegerBias;
  /** Where activations become integers; default: not. Given where the file says so, else found by what is read. */
  readonly mode?: 'static' | 'dynamic' | 'weight-only';
}

/** float32 → codes of the output's grid, and back. `isStep`: not to be made a part of its neighbour. */
export interface ConversionDraft extends Common {
  readonly op: 'quantize' | 'dequantize';
  readonly isStep: boolean;
}

export interface ElementwiseDraft extends Common {
  readonly op: ElementwiseOp;
  readonly attributes: Attributes;
}

/** The decomposed form of files is put together again; a factor and a shift behind it become its weight and bias. */
export interface LayerNormDraft extends Common {
  readonly op: 'layerNorm';
  readonly epsilon: number;
  readonly weight: Float32Array | undefined;
  readonly bias: Float32Array | undefined;
}

export interface PlainDraft extends Common {
  readonly op: 'softmax' | 'logSoftmax' | 'add' | 'concat';
}

/** y = scale·x + shift: becomes part of a linear node, or one of its own. */
export interface AffineDraft extends Common {
  readonly op: 'affine';
  readonly scale: Factor;
  readonly shift: Factor;
}

/**
 * Steps that a model has only as parts of something larger: x·y, x − mean(x), x / y, x^exponent, erf, sqrt, 1 / x, and the
 * mean over a row. One that is left over in the end is not supported.
 */
export interface StepDraft extends Common {
  readonly op: 'multiply' | 'center' | 'divide' | 'power' | 'erf' | 'sqrt' | 'reciprocal' | 'mean';
  readonly exponent?: number;
}

export type DraftNode =
  | LinearDraft
  | ConversionDraft
  | LayerNormDraft
  | ElementwiseDraft
  | PlainDraft
  | AffineDraft
  | StepDraft;

type Without<N> = N extends DraftNode ? Omit<N, 'output'> : never;

/** A graph on its way to the model's form: nodes in order, each value written once. */
export class Draft {
  readonly nodes: DraftNode[] = [];
  /** Features of each value. */
  readonly features = new Map<string, number>();
  /** Of the values that hold codes. */
  readonly grids = new Map<string, CodesGrid>();
  private readonly writers = new Map<string, DraftNode>();
  private readonly positions = new Map<DraftNode, number>();

  constructor(
    readonly input: string,
    inputFeatures: number,
    private readonly budget: Budget,
  ) {
    this.features.set(input, inputFeatures);
  }

  writer(value: string): DraftNode | undefined {
    return this.writers.get(value);
  }

  /** How many values were written before; the input is first. */
  position(value: string): number {
    const node = this.writers.get(value);
    return node === undefined ? -1 : this.positions.get(node)!;
  }

  /** Appends a node whose value gets this name, or one like it where that is taken. Returns the value. */
  add(node: Without<DraftNode>, features: number, wish: string): string {
    let output = wish;
    for (let i = 2; this.features.has(output); i++) output = `${wish}#${i}`;
    const complete = { ...node, output } as DraftNode;
    this.positions.set(complete, this.nodes.length);
    this.nodes.push(complete);
    this.writers.set(output, complete);
    this.features.set(output, features);
    return output;
  }

  /** scale·x + shift, of what x is made of where x is one of these itself; x itself where that changes nothing. Errors: ERR_LIMIT. */
  affine(x: string, scale: Factor, shift: Factor, { name, source, wish }: Naming): string {
    const whole = compose(this.resolve(x), scale, shift);
    if (isAll(whole.scale, 1) && isAll(whole.shift, 0)) return whole.base;
    const { base, ...factors } = whole;
    for (const factor of [whole.scale, whole.shift])
      if (typeof factor !== 'number') this.budget.take(factor.length);
    return this.add(
      { op: 'affine', name, source, inputs: [base], ...factors },
      this.features.get(base)!,
      wish,
    );
  }

  /** A value as scale·base + shift, whatever it is. */
  resolve(value: string): Affine {
    const node = this.writers.get(value);
    if (node?.op !== 'affine') return { base: value, scale: 1, shift: 0 };
    return { base: node.inputs[0]!, scale: node.scale, shift: node.shift };
  }
}

/** How an ONNX node's parts are called: the node, the operator for messages, the value that it writes. */
export interface Naming {
  readonly name: string;
  readonly source: string;
  readonly wish: string;
}
