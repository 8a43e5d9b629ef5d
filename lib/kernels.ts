export { multiplierFromScale } from './quantization/multiplier';
export type { Rounding } from './quantization/rounding';
export type { KernelName, QgemmOptions, Requantize } from './runtime/operators';
export {
  dequantizeLinear,
  dynamicQuantizeLinear,
  kernels,
  PackedWeights,
  packWeights,
  qgemm,
  quantizeLinear,
  requantize,
} from './runtime/operators';
