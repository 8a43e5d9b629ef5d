// A chain of Linear and ReLU layers as ONNX: in float32, and in the forms in which ONNX Runtime knows int8. Weights,
// scales, zero points and biases are those of the model, so every form computes the same.
import { onnxExport, onnxWriter } from './requant.mjs';

const { encodeModel, graph, node, tensor, value } = await onnxWriter();
const { encodeOnnx } = await onnxExport();
const OPSET = 17;
const MICROSOFT = 'com.microsoft';
const DOMAINS = { domains: { [MICROSOFT]: 1 } };

/** Collects nodes and constants; each call gives back the name of what it made. */
class Builder {
  nodes = [];
  initializers = [];

  constant(name, dtype, dims, data) {
    this.initializers.push(tensor(name, dtype, dims, data));
    return name;
  }

  node(opType, inputs, output, attributes, domain) {
    this.nodes.push(node(opType, inputs, [output], attributes, domain));
    return output;
  }

  /** Scale and zero point of a grid, as names. */
  grid(name, { scale, zeroPoint, dtype }) {
    const Codes = dtype === 'uint8' ? Uint8Array : Int8Array;
    return [
      this.constant(`${name}.scale`, 'float32', [], scale),
      this.constant(`${name}.zeroPoint`, dtype, [], Codes.of(zeroPoint)),
    ];
  }

  /** The file. The number of rows is the caller's choice. */
  encode(input, output) {
    const port = ({ name, dtype, features }) => value(name, dtype, ['rows', features]);
    const { nodes, initializers } = this;
    return encodeModel(
      graph({ name: 'mlp', inputs: [port(input)], outputs: [port(output)], initializers, nodes }),
      DOMAINS,
    );
  }
}

/** The layers of a chain: what each reads and writes, and whether a ReLU follows. */
function chainOf(graph) {
  const value = (name) => ({ name, ...graph.values.get(name) });
  const linears = graph.nodes.filter((node) => node.op === 'linear');
  const stray = graph.nodes.find((node) => node.op !== 'linear' && node.op !== 'relu');
  if (stray !== undefined) throw new Error(`expected Linear and ReLU layers but received ${stray.op}`);
  return linears.map((node, i) => ({
    node,
    name: `layer${i}`,
    input: value(node.inputs[0]),
    output: value(node.output),
    isLast: i === linears.length - 1,
  }));
}

const ends = (layers) => [layers[0].input, layers.at(-1).output];

/** Gemm and Relu. */
export const float32 = (modelGraph) => encodeOnnx(modelGraph, {}, OPSET);

/** Layers of a quantized model; checks what the builders below take for granted. */
function staticChain(modelGraph) {
  const layers = chainOf(modelGraph);
  for (const { node, input, output, isLast } of layers) {
    const isStatic = node.mode === 'static' && node.weight.format === 'int8' && input.scale.length === 1;
    // The zero point at the lower end makes saturation the ReLU.
    const clampsAtZero = isLast || (output.dtype === 'uint8' && output.zeroPoint === 0 && !output.max);
    if (!isStatic || !clampsAtZero)
      throw new Error(`expected static int8 layers with a ReLU between but received '${node.name}'`);
  }
  return layers;
}

/** fl(sx · sw[n]): the scale of bias and accumulator. */
const accumulatorScales = ({ node, input }) => node.weight.scale.map((sw) => input.scale[0] * sw);

const floatBias = (layer) =>
  Float32Array.from(accumulatorScales(layer), (scale, n) => layer.node.bias[n] * scale);

/** Weights as ONNX's MatMul wants them, [in, out]. */
function transposed({ node, input, output }) {
  const { data } = node.weight;
  const result = new Int8Array(data.length);
  for (let n = 0; n < output.features; n++) {
    for (let k = 0; k < input.features; k++) result[k * output.features + n] = data[n * input.features + k];
  }
  return result;
}

/** One scale an output feature. */
function perChannel(builder, { name, node, output }) {
  const scales = Float32Array.from({ length: output.features }, (_, n) =>
    node.weight.scale.length === 1 ? node.weight.scale[0] : node.weight.scale[n],
  );
  return builder.constant(`${name}.weight.scale`, 'float32', [output.features], scales);
}

/** The float input as codes; where the caller gives codes, they are taken as they are. */
function quantizedInput(builder, input, takesCodes) {
  const grid = builder.grid('input', input);
  const x = takesCodes ? input.name : builder.node('QuantizeLinear', [input.name, ...grid], 'input.codes');
  return { x, grid };
}

const inputPort = (input, takesCodes) => (takesCodes ? input : { ...input, dtype: 'float32' });

/** Gemm in float32 between QuantizeLinear and DequantizeLinear: what most exporters write. */
export function qdq(modelGraph) {
  const [, output] = ends(staticChain(modelGraph));
  return encodeOnnx(modelGraph, {}, OPSET, output.dtype !== 'float32');
}

/** com.microsoft's fused operator: int32 bias, codes out; the last one writes float32 or codes. */
export function qgemm(modelGraph) {
  const builder = new Builder();
  const layers = staticChain(modelGraph);
  const [input, output] = ends(layers);
  const takesCodes = output.dtype !== 'float32';
  let { x, grid } = quantizedInput(builder, input, takesCodes);
  for (const layer of layers) {
    const { node, name } = layer;
    const { features } = layer.output;
    const dims = [features, layer.input.features];
    const inputs = [
      x,
      ...grid,
      builder.constant(`${name}.weight`, 'int8', dims, node.weight.data),
      perChannel(builder, layer),
      builder.constant(`${name}.weight.zeroPoint`, 'int8', [features], new Int8Array(features)),
      builder.constant(`${name}.bias`, 'int32', [features], node.bias),
    ];
    if (layer.output.dtype !== 'float32') {
      grid = builder.grid(`${name}.y`, layer.output);
      inputs.push(...grid);
    }
    x = builder.node('QGemm', inputs, `${name}.gemm`, { transB: { int: 1 } }, MICROSOFT);
  }
  return builder.encode(inputPort(input, takesCodes), { ...output, name: x });
}

/** Codes in, float32 out, and a QuantizeLinear before the next layer. */
export function matMulIntegerToFloat(modelGraph) {
  const builder = new Builder();
  const layers = staticChain(modelGraph);
  const [input, output] = ends(layers);
  let { x, grid } = quantizedInput(builder, input, false);
  for (const layer of layers) {
    const { name, isLast } = layer;
    const dims = [layer.input.features, layer.output.features];
    const [xScale, xZeroPoint] = grid;
    const weight = builder.constant(`${name}.weight`, 'int8', dims, transposed(layer));
    const scale = perChannel(builder, layer);
    const bias = builder.constant(`${name}.bias`, 'float32', [layer.output.features], floatBias(layer));
    const inputs = [x, weight, xScale, scale, xZeroPoint, '', bias];
    x = builder.node('MatMulIntegerToFloat', inputs, `${name}.gemm`, {}, MICROSOFT);
    if (isLast) continue;
    x = builder.node('Relu', [x], `${name}.relu`);
    grid = builder.grid(`${name}.y`, layer.output);
    x = builder.node('QuantizeLinear', [x, ...grid], `${name}.codes`);
  }
  return builder.encode(inputPort(input, false), { ...output, name: x });
}

/** float32 between layers; each layer quantizes its own input by the range it finds there. */
export function dynamicQuantizeMatMul(modelGraph) {
  const builder = new Builder();
  const layers = staticChain(modelGraph);
  const [input, output] = ends(layers);
  let x = input.name;
  for (const layer of layers) {
    const { name, isLast } = layer;
    const dims = [layer.input.features, layer.output.features];
    const weight = builder.constant(`${name}.weight`, 'int8', dims, transposed(layer));
    const scale = perChannel(builder, layer);
    const bias = builder.constant(`${name}.bias`, 'float32', [layer.output.features], floatBias(layer));
    const inputs = [x, weight, scale, '', bias];
    x = builder.node('DynamicQuantizeMatMul', inputs, `${name}.gemm`, {}, MICROSOFT);
    if (!isLast) x = builder.node('Relu', [x], `${name}.relu`);
  }
  return builder.encode(inputPort(input, false), { ...output, name: x });
}
