export { type ExportOptions, exportOnnx } from './models/onnx/export';
export { type ImportOptions, importOnnx } from './models/onnx/import-onnx';
