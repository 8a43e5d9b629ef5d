import { expected } from '../../../errors';
import { encodeModel, graph as onnxGraph, value } from '../../../formats/onnx';
import { checkOptionKeys } from '../../../runtime/checks';
import { RESERVED_METADATA } from '../../encode';
import { type Graph, isCodes, type Value } from '../../graph';
import { GraphModel, type Model } from '../../model';
import { encodeRequantKey, REQUANT_KEY } from '../requant-key';
import { NodeWriter } from './nodes';
import { chooseOpset } from './opset';
import { checkExportable } from './unsupported';
import { Values } from './values';
import { GraphWriter } from './writer';

export { chooseOpset };

/** Of `exportOnnx`. */
export interface ExportOptions {
  /** Version of ONNX's operators, 7 to 23; quantized models take 13 or later, int4 weights 21. Default 17, or 21 for int4. */
  opset?: number;
}

/**
 * The bytes of a .onnx file that ONNX Runtime and others run: Gemm and activations in float32; quantized layers between
 * QuantizeLinear and DequantizeLinear (QDQ), dynamic ones as MatMulInteger. Rows are the dimension `batch`. The model's
 * metadata is kept, and under the key `requant` what ONNX cannot say, such as the rounding (docs/onnx.md).
 *
 * Errors: ERR_MODEL_KIND (not a model of this package), ERR_ARGUMENT (opset), ERR_UNSUPPORTED (an opset below what the
 * model takes, or layers that ONNX cannot express: all are named), ERR_DISPOSED, ERR_LIMIT (2 GiB), ERR_PEER
 * (@bufbuild/protobuf is not installed).
 */
export function exportOnnx(model: Model, options: ExportOptions = {}): Uint8Array {
  if (!(model instanceof GraphModel)) throw expected('ERR_MODEL_KIND', 'an MLP or a QuantizedMLP', model);
  checkOptionKeys('options', options, ['opset']);
  const { graph, metadata } = model;
  return encodeOnnx(graph, metadata, chooseOpset(graph, options.opset));
}

/** @internal The same of a graph. `takesCodes`: where the input is codes of one scale, rows come as those. */
export function encodeOnnx(
  graph: Graph,
  metadata: Readonly<Record<string, string>>,
  opset: number,
  takesCodes = false,
): Uint8Array {
  checkExportable(graph);
  const writer = new GraphWriter(graph, opset);
  const values = new Values(graph, writer);
  if (!takesCodes) values.writeInput();
  const nodes = new NodeWriter(graph, writer, values);
  for (const node of graph.nodes) nodes.write(node);
  const output = outputName(graph, values, writer);
  const port = (name: string, dtype: 'float32' | 'int8' | 'uint8', features: number) =>
    value(name, dtype, ['batch', features]);
  const [from, to] = [graph.input, graph.output].map((name) => graph.values.get(name)!);
  return encodeModel(
    onnxGraph({
      name: 'requant',
      inputs: [port(graph.input, takesCodes ? elementOf(from!) : 'float32', from!.features)],
      outputs: [port(output, elementOf(to!), to!.features)],
      initializers: writer.initializers,
      nodes: writer.nodes,
    }),
    { opset, metadata: { ...usersOwn(metadata), [REQUANT_KEY]: encodeRequantKey(graph) } },
  );
}

const elementOf = (held: Value) => (isCodes(held) ? held.dtype : 'float32');

/** Of a model without a node too: an output must not be the input itself. */
function outputName({ input, output, values: all }: Graph, values: Values, writer: GraphWriter): string {
  const isInput = output === input && !isCodes(all.get(input)!);
  return isInput ? writer.step('Identity', [input], `${input}/output`) : values.stored(output);
}

function usersOwn(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !RESERVED_METADATA.includes(key)));
}
