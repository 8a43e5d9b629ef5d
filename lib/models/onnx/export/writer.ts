import { type Attribute, node, type OnnxData, type OnnxDType, tensor } from '../../../formats/onnx';
import type { Graph } from '../../graph';

type OnnxNode = ReturnType<typeof node>;
type OnnxTensor = ReturnType<typeof tensor>;

export type Attributes = Readonly<Record<string, Attribute>>;

/** What an operator writes: the name of the value, and of the node where that is one of the model's. */
export interface Target {
  readonly value: string;
  readonly node?: string;
}

/**
 * Collects the nodes and constants of an ONNX graph. Values and nodes of the model keep their names, whatever they are;
 * everything else takes a name that is free.
 */
export class GraphWriter {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  private readonly values: Names;
  private readonly nodeNames: Names;

  constructor(
    graph: Graph,
    readonly opset: number,
  ) {
    this.values = new Names(graph.values.keys());
    this.nodeNames = new Names(graph.nodes.map(({ name }) => name));
  }

  /** A name for a value that is not the model's. */
  fresh(wish: string): string {
    return this.values.fresh(wish);
  }

  constant<D extends OnnxDType>(wish: string, dtype: D, dims: readonly number[], data: OnnxData[D]): string {
    const name = this.fresh(wish);
    this.initializers.push(tensor(name, dtype, dims, data));
    return name;
  }

  scalar(wish: string, value: number): string {
    return this.constant(wish, 'float32', [], Float32Array.of(value));
  }

  /** An operator of one output, whose name comes back. */
  add(opType: string, inputs: readonly string[], target: Target, attributes: Attributes = {}): string {
    this.addAll(opType, inputs, [target.value], target.node, attributes);
    return target.value;
  }

  addAll(
    opType: string,
    inputs: readonly string[],
    outputs: readonly string[],
    name?: string,
    attributes: Attributes = {},
  ): void {
    this.nodes.push(node(opType, inputs, outputs, attributes, '', name ?? this.nodeNames.fresh(outputs[0]!)));
  }

  /** An operator on the way to something else: its value is named `wish`, or like it. */
  step(opType: string, inputs: readonly string[], wish: string, attributes: Attributes = {}): string {
    return this.add(opType, inputs, { value: this.fresh(wish) }, attributes);
  }
}

class Names {
  private readonly taken: Set<string>;

  constructor(taken: Iterable<string>) {
    this.taken = new Set(taken);
  }

  fresh(wish: string): string {
    let name = wish;
    for (let i = 2; this.taken.has(name); i++) name = `${wish}#${i}`;
    this.taken.add(name);
    return name;
  }
}
