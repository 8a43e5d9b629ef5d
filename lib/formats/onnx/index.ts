export { decodeModel } from './decode';
export { DEFAULT_OPSET, type EncodeOptions, encodeModel, MAX_ONNX_BYTES } from './encode';
export { type ExternalData, filesBeside } from './external-data';
export { type Attribute, type GraphParts, graph, node, value } from './graph';
export type {
  OnnxArrays,
  OnnxArrayType,
  OnnxAttribute,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxTensor,
  OnnxValueInfo,
} from './model';
export { type OnnxData, type OnnxDType, tensor } from './tensor';
