export { type ExportOptions, exportOnnx } from './models/onnx/export';
