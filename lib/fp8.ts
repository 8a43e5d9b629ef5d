export { fromBfloat16, toBfloat16 } from './fp8/bfloat16';
export { decode, type EncodeOptions, encode } from './fp8/cast';
export type { ScaledFp8 } from './fp8/cell';
export { type Density, density, gaussian, studentT, uniform } from './fp8/densities';
export {
  bestMax,
  type ExpectedError,
  expectedError,
  expectedProductError,
  type GridFormat,
  type IntegerFormat,
} from './fp8/expected-error';
export { defaultMax, type Fp8Format, gridValues, type StorageFormat } from './fp8/format';
export { type Fp8Gradients, gradients } from './fp8/gradients';
export { type LearnedFormat, type LearnOptions, learnFormat } from './fp8/learn';
export { type QuantizeFp8Options, quantizeFp8 } from './fp8/quantize';
export { type FormatSearch, type SearchFormatOptions, searchFormat } from './fp8/search';
export { roundStochastic, type StochasticOptions } from './fp8/stochastic';
export type { Fp8 } from './layers/layer';
