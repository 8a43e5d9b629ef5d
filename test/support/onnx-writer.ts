import { encodeModel, graph, node, tensor, type value } from '../../lib/formats/onnx';

type Codes = 'uint8' | 'int8';
type Port = ReturnType<typeof value>;
type Tensor = ReturnType<typeof tensor>;

/** Collects an ONNX graph as other tools write it; names are v0, v1, … */
export class OnnxWriter {
  readonly initializers: Tensor[] = [];
  readonly nodes: ReturnType<typeof node>[] = [];
  private count = 0;

  fresh(): string {
    return `v${this.count++}`;
  }

  floats(data: readonly number[], dims: readonly number[] = data.length === 1 ? [] : [data.length]): string {
    const name = this.fresh();
    this.initializers.push(tensor(name, 'float32', dims, Float32Array.from(data)));
    return name;
  }

  codes(dtype: Codes, data: ArrayLike<number>, dims: readonly number[]): string {
    const name = this.fresh();
    if (dtype === 'uint8') this.initializers.push(tensor(name, dtype, dims, Uint8Array.from(data)));
    else this.initializers.push(tensor(name, dtype, dims, Int8Array.from(data)));
    return name;
  }

  int32s(data: Int32Array): string {
    const name = this.fresh();
    this.initializers.push(tensor(name, 'int32', [data.length], data));
    return name;
  }

  /** Scale and zero point of a value. */
  grid(dtype: Codes, s: number, z: number): [string, string] {
    return [this.floats([s]), this.codes(dtype, [z], [])];
  }

  add(
    type: string,
    inputs: readonly string[],
    attributes: Parameters<typeof node>[3] = {},
    domain = '',
    output = this.fresh(),
  ): string {
    this.nodes.push(node(type, inputs, [output], attributes, domain));
    return output;
  }

  bytes(inputs: readonly Port[], outputs: readonly Port[], opset = 17): Uint8Array {
    const { nodes, initializers } = this;
    const parts = graph({ name: 'g', inputs, outputs, initializers, nodes });
    return encodeModel(parts, { opset, domains: { 'com.microsoft': 1 } });
  }
}
