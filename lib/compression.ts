export {
  type IntegerGrid,
  type QuantizationError,
  quantizationError,
  type RoundedGrid,
} from './quantization/grid-error';
