import { RequantError } from '../../errors';
import type * as Onnx from '../../formats/onnx/index';
import { clampBounds } from '../../layers/elementwise';
import type { ElementwiseNode, Graph, LayerNormNode, LinearNode, Node } from '../../models/graph';

/** The first opset with Gelu. */
const OPSET = 20;
const OPERATORS = {
  softmax: 'Softmax',
  logSoftmax: 'LogSoftmax',
  concat: 'Concat',
  relu: 'Relu',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  hardSwish: 'HardSwish',
  leakyRelu: 'LeakyRelu',
  elu: 'Elu',
  hardSigmoid: 'HardSigmoid',
  gelu: 'Gelu',
};

/**
 * A float model as an ONNX file, for ONNX Runtime to run beside it. The number of rows is the caller's choice.
 *
 * Errors: as the writer's.
 */
export function floatOnnx(graph: Graph, writer: typeof Onnx): Uint8Array {
  const nodes = new NodeWriter(graph, writer);
  for (const node of graph.nodes) nodes.write(node);
  const port = (name: string) => writer.value(name, 'float32', ['rows', graph.values.get(name)!.features]);
  return writer.encodeModel(
    writer.graph({
      name: 'mlp',
      inputs: [port(graph.input)],
      outputs: [port(graph.output)],
      initializers: nodes.constants,
      nodes: nodes.nodes,
    }),
    { opset: OPSET },
  );
}

class NodeWriter {
  readonly nodes: ReturnType<typeof Onnx.node>[] = [];
  readonly constants: ReturnType<typeof Onnx.tensor>[] = [];

  constructor(
    private readonly graph: Graph,
    private readonly writer: typeof Onnx,
  ) {}

  write(node: Node): void {
    switch (node.op) {
      case 'linear':
        this.linear(node);
        break;
      case 'softmax':
      case 'logSoftmax':
      case 'concat':
        this.add(OPERATORS[node.op], node.inputs, node.output, { axis: { int: -1 } });
        break;
      case 'layerNorm':
        this.layerNorm(node);
        break;
      case 'add':
        this.add('Add', node.inputs, node.output);
        break;
      case 'quantize':
      case 'dequantize':
        throw new RequantError('ERR_UNSUPPORTED', `expected a float model but received ${node.op}`);
      default:
        this.elementwise(node);
    }
  }

  /** y = x·Wᵀ + b */
  private linear({ name, inputs, output, weight, bias }: LinearNode): void {
    const features = (value: string) => this.graph.values.get(value)!.features;
    const [input] = inputs;
    const shape = [features(output), features(input!)];
    const operands = [input!, this.constant(`${name}.weight`, shape, weight.data as Float32Array)];
    if (bias) operands.push(this.constant(`${name}.bias`, [bias.length], bias as Float32Array));
    this.add('Gemm', operands, output, { transB: { int: 1 } });
  }

  /** The scale is no option in ONNX. */
  private layerNorm({ name, inputs, output, epsilon, gamma, beta }: LayerNormNode): void {
    const { features } = this.graph.values.get(output)!;
    const scale = gamma ?? new Float32Array(features).fill(1);
    const operands = [inputs[0]!, this.constant(`${name}.weight`, [features], scale)];
    if (beta) operands.push(this.constant(`${name}.bias`, [features], beta));
    this.add('LayerNormalization', operands, output, { axis: { int: -1 }, epsilon: { float: epsilon } });
  }

  private elementwise({ op, name, inputs, output, attributes }: ElementwiseNode): void {
    if (op === 'clip' || op === 'relu6') {
      const [low, high] = clampBounds(op, attributes)!;
      const bounds = [this.scalar(`${name}.min`, low), this.scalar(`${name}.max`, high)];
      this.add('Clip', [...inputs, ...bounds], output);
    } else if (op === 'silu') {
      const gate = `${output} (sigmoid)`;
      this.add('Sigmoid', inputs, gate);
      this.add('Mul', [...inputs, gate], output);
    } else {
      const entries = Object.entries(attributes).map(([key, value]) => [
        key === 'slope' ? 'alpha' : key,
        typeof value === 'string' ? { string: value } : { float: value },
      ]);
      this.add(OPERATORS[op], inputs, output, Object.fromEntries(entries));
    }
  }

  private scalar(name: string, value: number): string {
    return this.constant(name, [], Float32Array.of(value));
  }

  /** Names of values and nodes may be the same text; constants get a prefix of their own. */
  private constant(name: string, dims: readonly number[], data: Float32Array): string {
    const unique = `constant ${this.constants.length}: ${name}`;
    this.constants.push(this.writer.tensor(unique, 'float32', dims, data));
    return unique;
  }

  private add(
    opType: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, Onnx.Attribute>> = {},
  ): void {
    this.nodes.push(this.writer.node(opType, inputs, [output], attributes));
  }
}
