import { create } from '@bufbuild/protobuf';
import {
  type Attribute,
  encodeModel,
  graph,
  node,
  type OnnxData,
  type OnnxDType,
  tensor,
  value,
} from '../../lib/formats/onnx';
import { type NodeProto, type TensorProto, TensorProtoSchema } from '../../lib/formats/onnx/onnx_pb';

/** Puts an ONNX graph together; each call gives back the name of what it made. */
export class OnnxBuilder {
  private readonly nodes: NodeProto[] = [];
  private readonly initializers: TensorProto[] = [];
  private count = 0;

  constructor(readonly opset: number) {}

  constant<D extends OnnxDType>(dtype: D, dims: readonly number[], data: OnnxData[D], wish?: string): string {
    const name = wish ?? `c${this.count++}`;
    this.initializers.push(tensor(name, dtype, dims, data));
    return name;
  }

  floats(data: Float32Array, dims: readonly number[] = [data.length], wish?: string): string {
    return this.constant('float32', dims, data, wish);
  }

  scalar(x: number, dims: readonly number[] = []): string {
    return this.floats(Float32Array.of(x), dims);
  }

  ints(...data: readonly number[]): string {
    return this.constant('int64', [data.length], BigInt64Array.from(data, BigInt));
  }

  /** float16 in the file, cast to float32 by the graph. `bits`: one a weight. */
  halves(bits: Uint16Array, dims: readonly number[]): string {
    const name = `c${this.count++}`;
    const rawData = new Uint8Array(bits.buffer);
    this.initializers.push(
      create(TensorProtoSchema, { name, dataType: 10, dims: dims.map(BigInt), rawData }),
    );
    return this.node('Cast', [name], { to: { int: 1 } });
  }

  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    const output = `v${this.count++}`;
    this.nodes.push(node(opType, inputs, [output], attributes));
    return output;
  }

  /** The file: `x` [batch, ...sizes] in, `output` [batch, …] out. */
  encode(sizes: readonly number[], output: string, batch: number | string = 'batch'): Uint8Array {
    const rank = Array.from({ length: 1 }, () => 'features');
    return encodeModel(
      graph({
        name: 'mlp',
        inputs: [value('x', 'float32', [batch, ...sizes])],
        outputs: [value(output, 'float32', [batch, ...rank])],
        initializers: this.initializers,
        nodes: this.nodes,
      }),
      { opset: this.opset },
    );
  }
}
