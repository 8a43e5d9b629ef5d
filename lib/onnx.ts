export { type ImportOptions, importOnnx } from './models/onnx/import-onnx';
