import { describe } from '../../../errors';
import type { OnnxAttribute, OnnxNode, OnnxTensor } from '../../../formats/onnx';
import type { Budget } from './budget';
import { isFloat, numbersOf } from './constants';
import type { Draft, Naming } from './draft';
import type { Factor } from './factor';
import {
  type CodesTerm,
  type ConstantTerm,
  type SizesTerm,
  type Term,
  UNKNOWN,
  type ValueTerm,
} from './terms';

/** Why a node cannot be imported: caught by the importer, which names all such nodes in one error. */
export class Unsupported extends Error {
  constructor(why: string) {
    super(why.slice(0, MAX_REASON)); // a file may hold lists of any length
  }
}

const MAX_REASON = 200;
const MAX_TYPE_NAME = 64;
/** In an input that says sizes, axes, indices. */
const MAX_INTEGERS = 2 ** 14;

interface AttributeValues {
  float: number;
  int: number;
  string: string;
  tensor: OnnxTensor;
  floats: readonly number[];
  ints: readonly number[];
}

/** What all nodes of a graph share while it is imported. */
export interface Scope {
  readonly terms: Map<string, Term>;
  readonly draft: Draft;
  readonly budget: Budget;
  /** Rows that the file was exported for; undefined where that is the caller's choice. */
  readonly fixedBatch: number | undefined;
  /** Whether the file says that a conversion is a step of its own, and not the notation of its neighbour's grid. */
  readonly isStep: (node: string, op: 'quantize' | 'dequantize') => boolean;
}

/** One node of the ONNX graph, as its translator sees it. Whatever it asks for and cannot have is `Unsupported`. */
export class Operation {
  private readonly seen = new Set<string>();

  constructor(
    readonly node: OnnxNode,
    readonly scope: Scope,
    /** Version of the operator's domain. */
    readonly opset: number,
  ) {}

  get draft(): Draft {
    return this.scope.draft;
  }

  get budget(): Budget {
    return this.scope.budget;
  }

  /** "Gemm 'fc1'" */
  get source(): string {
    return sourceOf(this.node);
  }

  get naming(): Naming {
    const { name, outputs } = this.node;
    const wish = outputs[0] ?? '';
    return { name: name === '' ? wish : name, source: this.source, wish };
  }

  unsupported(why: string): Unsupported {
    return new Unsupported(why);
  }

  /** Undefined where an optional input is left out. */
  input(i: number): Term | undefined {
    const name = this.node.inputs[i];
    return name === undefined || name === '' ? undefined : (this.scope.terms.get(name) ?? UNKNOWN);
  }

  hasOutput(i: number): boolean {
    return (this.node.outputs[i] ?? '') !== '';
  }

  /** A value of the model. */
  value(i: number): ValueTerm {
    const term = this.input(i);
    if (term?.kind !== 'value') throw this.unsupported(`${term?.kind ?? 'nothing'} as input ${i}`);
    return term;
  }

  codes(i: number): CodesTerm {
    const term = this.input(i);
    if (term?.kind !== 'codes') throw this.unsupported(`${term?.kind ?? 'nothing'} as input ${i}`);
    return term;
  }

  /** A value, or the codes of one. */
  valueOrCodes(i: number): ValueTerm | CodesTerm {
    return this.input(i)?.kind === 'codes' ? this.codes(i) : this.value(i);
  }

  constantTerm(i: number): ConstantTerm {
    const term = this.input(i);
    if (term?.kind !== 'constant') throw this.unsupported(`input ${i} that is not constant`);
    return term;
  }

  /** Of any element type. */
  anyConstant(i: number): OnnxTensor {
    return this.constantTerm(i).tensor;
  }

  optionalIntegerConstant(i: number): OnnxTensor | undefined {
    return this.input(i) === undefined ? undefined : this.anyConstant(i);
  }

  constant(i: number): OnnxTensor {
    const term = this.optionalConstant(i);
    if (term === undefined) throw this.unsupported(`nothing as input ${i}`);
    return term;
  }

  optionalConstant(i: number): OnnxTensor | undefined {
    const term = this.input(i);
    if (term === undefined) return undefined;
    if (term.kind !== 'constant') throw this.unsupported(`input ${i} that is not constant`);
    const { dtype } = term.tensor;
    if (dtype === 'int4' || dtype === 'uint4') throw this.unsupported(`input ${i} of ${dtype}`);
    return term.tensor;
  }

  /** A constant beside a value, as numbers. Errors: ERR_LIMIT. */
  numbers(i: number): { readonly values: ArrayLike<number>; readonly shape: readonly number[] } {
    const tensor = this.constant(i);
    if (!isFloat(tensor)) this.budget.take(tensor.data.length);
    return { values: numbersOf(tensor), shape: tensor.shape };
  }

  /** Constant, or sizes that the batch is among. */
  sizes(i: number): SizesTerm {
    const term = this.input(i);
    if (term?.kind === 'sizes') return term;
    const { shape } = this.constant(i);
    if (shape.length > 1) throw this.unsupported(`input ${i} of rank ${shape.length}`);
    return { kind: 'sizes', shape, sizes: this.integers(i) };
  }

  /** A constant of one element. */
  optionalNumber(i: number): number | undefined {
    const tensor = this.optionalConstant(i);
    if (tensor === undefined) return undefined;
    if (tensor.data.length !== 1) throw this.unsupported(`input ${i} of ${tensor.data.length} elements`);
    return numbersOf(tensor)[0]!;
  }

  integers(i: number): readonly number[] {
    const tensor = this.constant(i);
    if (tensor.dtype !== 'int64' && tensor.dtype !== 'int32')
      throw this.unsupported(`input ${i} of ${tensor.dtype}`);
    if (tensor.data.length > MAX_INTEGERS)
      throw this.unsupported(`input ${i} of ${tensor.data.length} integers`);
    return [...numbersOf(tensor)];
  }

  optionalIntegers(i: number): readonly number[] | undefined {
    return this.input(i) === undefined ? undefined : this.integers(i);
  }

  /** An attribute of this type, or undefined where it is left out. */
  attribute<T extends keyof AttributeValues>(name: string, type: T): AttributeValues[T] | undefined {
    this.seen.add(name);
    const found = this.node.attributes.get(name);
    if (found === undefined) return undefined;
    if (found.type !== type) throw this.unsupported(`attribute ${name} of type ${typeName(found)}`);
    return found.value as AttributeValues[T];
  }

  float(name: string, byDefault: number): number {
    const value = this.attribute(name, 'float') ?? byDefault;
    if (!Number.isFinite(value)) throw this.unsupported(`attribute ${name} = ${value}`);
    return value;
  }

  int(name: string, byDefault: number): number {
    return this.attribute(name, 'int') ?? byDefault;
  }

  /** Attributes that do not matter here. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.seen.add(name);
  }

  /** An attribute that the translator has not asked for may change what the operator does. */
  checkAttributes(): void {
    const unknown = [...this.node.attributes.keys()].find((name) => !this.seen.has(name));
    if (unknown !== undefined) throw this.unsupported(`attribute ${unknown}`);
  }

  /** scale·x + shift of a value. */
  affine(x: ValueTerm, scale: Factor, shift: Factor): ValueTerm {
    return { ...x, name: this.draft.affine(x.name, scale, shift, this.naming) };
  }
}

/** One operator: the terms of its outputs, in order. Later outputs may be left out. */
export type Translator = (operation: Operation) => Term | readonly Term[];

function typeName(attribute: OnnxAttribute): string {
  return attribute.type === 'other' ? attribute.value : attribute.type;
}

export function sourceOf({ opType, domain, name, outputs }: OnnxNode): string {
  const type = (domain === '' ? opType : `${domain}.${opType}`).slice(0, MAX_TYPE_NAME);
  return `${type} ${describe(name === '' ? (outputs[0] ?? '') : name)}`;
}
