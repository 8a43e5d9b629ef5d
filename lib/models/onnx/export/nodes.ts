import type { CodesValue, Graph, Node, PlainNode } from '../../graph';
import { writeElementwise } from './elementwise';
import { writeLayerNorm } from './layer-norm';
import { LinearWriter } from './linear';
import type { Values } from './values';
import type { GraphWriter } from './writer';

/** Writes the nodes of a model. */
export class NodeWriter {
  private readonly linear: LinearWriter;

  constructor(
    private readonly graph: Graph,
    private readonly writer: GraphWriter,
    private readonly values: Values,
  ) {
    this.linear = new LinearWriter(graph, writer, values);
  }

  write(node: Node): void {
    if (node.op === 'linear') this.linear.write(node);
    else if ('attributes' in node) {
      const x = this.values.float(node.inputs[0]!);
      this.values.write(node.output, (value) => {
        writeElementwise(this.writer, node, x, { value, node: node.name });
      });
    } else if (node.op === 'layerNorm') {
      const x = this.values.float(node.inputs[0]!);
      this.values.write(node.output, (value) => {
        const features = this.values.features(node.output);
        writeLayerNorm(this.writer, node, x, features, { value, node: node.name });
      });
    } else this.plain(node);
  }

  private plain(node: PlainNode): void {
    const { name, op, inputs, output } = node;
    switch (op) {
      case 'quantize':
        this.values.quantize(this.graph.values.get(output) as CodesValue, inputs[0]!, {
          value: output,
          node: name,
        });
        break;
      case 'dequantize':
        this.values.dequantize(inputs[0]!, { value: output, node: name });
        break;
      case 'softmax':
        this.operator('Softmax', node, this.lastAxis);
        break;
      case 'logSoftmax':
        this.operator('LogSoftmax', node, this.lastAxis);
        break;
      case 'add':
        this.operator('Add', node);
        break;
      case 'concat':
        this.operator('Concat', node, 1);
    }
  }

  /** An operator of ONNX's own on float32. */
  private operator(opType: string, { name, inputs, output }: PlainNode, axis?: number): void {
    const floats = inputs.map((input) => this.values.float(input));
    this.values.write(output, (value) => {
      const attributes = axis === undefined ? undefined : { axis: { int: axis } };
      this.writer.add(opType, floats, { value, node: name }, attributes);
    });
  }

  /** Up to opset 12 everything from the axis on is one row. */
  private get lastAxis(): number {
    return this.writer.opset >= 13 ? -1 : 1;
  }
}
