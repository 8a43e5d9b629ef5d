export { calibrationFromJSON } from './calibration/result';
export type {
  Batches,
  CalibrateOptions,
  Calibration,
  JobOptions,
  Observer,
  Progress,
} from './calibration/types';
export { type ErrorCode, RequantError } from './errors';
export { concat, residual } from './layers/branches';
export {
  clip,
  type ElementwiseName,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  relu,
  relu6,
  sigmoid,
  silu,
  tanh,
} from './layers/elementwise';
export type { Format, Fp8, Layer, LayerQuantization, Mode } from './layers/layer';
export { linear } from './layers/linear';
export { layerNorm, logSoftmax, softmax } from './layers/row-functions';
export { calibrate } from './models/calibrate-on-demand';
export { load } from './models/load';
export type { LoadOptions, Source } from './models/load-graph';
export { MLP } from './models/mlp';
export type { Model, Port, Rows, RunOptions, SaveOptions, Stage } from './models/model';
export { type QuantizeOptions, quantize } from './models/quantize';
export { QuantizedMLP } from './models/quantized-mlp';
export type { RuntimeOptions } from './models/runtime-options';
export type { Rounding } from './quantization/rounding';
