export { type CorrectBiasOptions, correctBias } from './compression/correct-bias';
export { type EqualizeOptions, equalize } from './compression/equalize';
export { type Fallback, type MixedPrecisionOptions, mixedPrecision } from './compression/mixed-precision';
export type { ScoreData } from './compression/score';
export { type MethodResult, type SearchOptions, type SearchResult, search } from './compression/search';
export { type LayerSensitivity, type SensitivityOptions, sensitivity } from './compression/sensitivity';
export { type SmoothQuantOptions, smoothQuant } from './compression/smooth-quant';
export {
  type IntegerGrid,
  type QuantizationError,
  quantizationError,
  type RoundedGrid,
} from './quantization/grid-error';
