export { type CorrectBiasOptions, correctBias } from './compression/correct-bias';
export { type EqualizeOptions, equalize } from './compression/equalize';
export { type SmoothQuantOptions, smoothQuant } from './compression/smooth-quant';
export {
  type IntegerGrid,
  type QuantizationError,
  quantizationError,
  type RoundedGrid,
} from './quantization/grid-error';
