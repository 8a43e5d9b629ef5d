export { decode, type EncodeOptions, encode } from './fp8/cast';
export { defaultMax, type Fp8Format, gridValues, type StorageFormat } from './fp8/format';
export { type QuantizeFp8Options, quantizeFp8 } from './fp8/quantize';
export { type FormatSearch, type SearchFormatOptions, searchFormat } from './fp8/search';
export type { Fp8 } from './layers/layer';
