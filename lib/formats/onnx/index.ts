export { DEFAULT_OPSET, type EncodeOptions, encodeModel, MAX_ONNX_BYTES } from './encode';
export { type Attribute, type GraphParts, graph, node, value } from './graph';
export { type OnnxData, type OnnxDType, tensor } from './tensor';
