import { expected } from '../errors';
import { isFp8Weights } from '../fp8/grid';
import { type Graph, isCodes, type LinearNode, type Node, type Value } from './graph';

/**
 * That a graph from a file is one: nodes in order, each value written once before it is read, features and dtypes that
 * fit each operator. Errors: ERR_FORMAT.
 */
export function checkGraph(graph: Graph): void {
  if (!graph.values.has(graph.input))
    throw expected('ERR_FORMAT', 'the input to be a value of the model', graph.input);
  const written = new Set([graph.input]);
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (names.has(node.name)) throw expected('ERR_FORMAT', 'unique node names', node.name);
    names.add(node.name);
    const early = node.inputs.find((name) => !written.has(name));
    if (early !== undefined)
      throw expected('ERR_FORMAT', `node '${node.name}' to read values written before it`, early);
    if (written.has(node.output)) throw expected('ERR_FORMAT', 'each value to be written once', node.output);
    written.add(node.output);
    checkNode(node, graph);
  }
  const unwritten = [...graph.values.keys()].find((name) => !written.has(name));
  if (unwritten !== undefined) throw expected('ERR_FORMAT', 'each value to be written', unwritten);
  if (!written.has(graph.output))
    throw expected('ERR_FORMAT', 'the output to be a value of the model', graph.output);
  const output = graph.values.get(graph.output)!;
  for (const port of [graph.values.get(graph.input)!, output])
    if (port.dtype === 'fp8')
      throw expected('ERR_FORMAT', 'input and output of float32 or codes', port.dtype);
  if (isCodes(output) && output.scale.length > 1)
    throw expected('ERR_FORMAT', 'the output to have one scale', output.scale.length);
}

function checkNode(node: Node, graph: Graph): void {
  const inputs = node.inputs.map((name) => graph.values.get(name)!);
  const output = graph.values.get(node.output)!;
  const wrong = (what: string, received: unknown = node.op) =>
    expected('ERR_FORMAT', `node '${node.name}' ${what}`, received);

  const arity = node.op === 'add' ? 2 : 1;
  if (node.op === 'concat' ? inputs.length === 0 : inputs.length !== arity)
    throw wrong(`with ${arity} input(s)`, inputs.length);
  const perFeature = inputs.some((value) => isCodes(value) && value.scale.length > 1);
  if (perFeature && !(node.op === 'linear' && node.mode === 'static'))
    throw wrong('to read one scale a value', 'a scale a feature');
  if (inputs.some(isFp8) && !(node.op === 'linear' && node.mode === 'fp8'))
    throw wrong('not to read fp8, which linear nodes of mode fp8 do', 'fp8');
  if (isFp8(output) && node.op !== 'quantize') throw wrong('not to write fp8, which quantize does', 'fp8');
  if (graph.kind === 'float' && [...inputs, output].some((value) => value.dtype !== 'float32'))
    throw wrong('of a float model to work on float32', 'codes');
  if (graph.kind === 'float' && node.op === 'linear' && node.mode !== 'float')
    throw wrong('of a float model to be of mode float', node.mode);

  if (node.op === 'linear') {
    checkLinear(node, inputs[0]!, output, wrong);
    return;
  }
  const features =
    node.op === 'concat' ? inputs.reduce((sum, value) => sum + value.features, 0) : inputs[0]!.features;
  if (output.features !== features || (node.op === 'add' && inputs[1]!.features !== features)) {
    throw wrong(`to write ${features} features`, output.features);
  }
  if (node.op === 'quantize' && (isCodes(inputs[0]!) || output.dtype === 'float32'))
    throw wrong('to turn float32 into codes or fp8');
  if (node.op === 'dequantize' && (!isCodes(inputs[0]!) || isCodes(output)))
    throw wrong('to turn codes into float32');
  if ('attributes' in node) {
    const between = isCodes(inputs[0]!) && isCodes(output);
    if (between !== (node.table !== undefined)) throw wrong('to have a table exactly between codes');
    const dtype = node.table instanceof Int8Array ? 'int8' : 'uint8';
    if (between && dtype !== output.dtype) throw wrong(`with a table of ${output.dtype}`, dtype);
  }
}

const isFp8 = (value: Value) => value.dtype === 'fp8';

function checkLinear(
  node: LinearNode,
  input: Value,
  output: Value,
  wrong: (what: string, received?: unknown) => Error,
): void {
  const { mode, weight } = node;
  const isFloat = mode === 'float';
  if (isFloat !== (weight.format === 'float32'))
    throw wrong(`of mode ${mode} with weights that fit`, weight.format);
  if (mode === 'static' && weight.format === 'int4')
    throw wrong('of int4 weights to be of mode dynamic or weight-only', mode);
  if (isFp8Weights(weight) ? mode !== 'fp8' && mode !== 'weight-only' : mode === 'fp8')
    throw wrong(`of mode ${mode} with weights that fit`, weight.format);
  if ((mode === 'fp8') !== isFp8(input)) throw wrong(`of mode ${mode} with an input that fits`, input.dtype);
  if ((mode === 'static') !== isCodes(input))
    throw wrong(`of mode ${mode} with an input that fits`, input.dtype);
  if (mode !== 'static' && isCodes(output)) throw wrong(`of mode ${mode} to write float32`, output.dtype);
  if (mode !== 'static' && node.rounding !== undefined)
    throw wrong(`of mode ${mode} without a rounding`, node.rounding);
}
