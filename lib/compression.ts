export { type AdaRoundOptions, adaRound } from './compression/adaround';
export { type CorrectBiasOptions, correctBias } from './compression/correct-bias';
export { type EqualizeOptions, equalize } from './compression/equalize';
export { type GptqOptions, gptq } from './compression/gptq';
export { type Fallback, type MixedPrecisionOptions, mixedPrecision } from './compression/mixed-precision';
export type { PruneData, PruneOptions, PruneUnit, Saliency } from './compression/pruning/options';
export { prune } from './compression/pruning/prune';
export type { PruneSchedule } from './compression/pruning/schedule';
export type { ScoreData } from './compression/score';
export { type MethodResult, type SearchOptions, type SearchResult, search } from './compression/search';
export { type LayerSensitivity, type SensitivityOptions, sensitivity } from './compression/sensitivity';
export { type SmoothQuantOptions, smoothQuant } from './compression/smooth-quant';
export type { WeightGridOptions } from './compression/weight-grid';
export {
  type IntegerGrid,
  type QuantizationError,
  quantizationError,
  type RoundedGrid,
} from './quantization/grid-error';
