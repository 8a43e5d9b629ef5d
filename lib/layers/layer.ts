import type { ActivationBits, WeightBits } from '../quantization/bits';

/** A float8 format of one's own: bits of mantissa and exponent, and its largest number. */
export type Fp8 = { readonly mantissa: number; readonly exponent: number; readonly max?: number };
/** The numeric formats a layer's weights can have. */
export type Format = 'float32' | 'int8' | 'int4' | 'e4m3fn' | 'e5m2' | 'fp8-search' | Fp8;

/**
 * Where activations become integers. static: calibrated beforehand; dynamic: per row at run time;
 * weight-only: never, activations stay float32.
 */
export type Mode = 'static' | 'dynamic' | 'weight-only';

/** How one layer is to be quantized; what is not given comes from the options of `quantize`. */
export interface LayerQuantization {
  format?: Format;
  /** Of int8 weights: symmetric codes ±(2^(bits − 1) − 1), a byte each. Of int4 always 4. */
  bits?: WeightBits;
  /** Of the codes that the layer reads, with format 'int8' and mode 'static'. */
  activationBits?: ActivationBits;
  groupSize?: 32 | 64 | 128;
  /** Weight scales, one or one an output feature, of int4 one a group [outFeatures, groups], that a training or rounding method has chosen. */
  scale?: Float32Array;
  mode?: Mode;
}

/** Plain frozen data; arrays are copied when a model is made. `quantization` fixes a grid that QAT, GPTQ … have chosen. */
export interface Layer {
  readonly type: string;
  readonly name?: string;
  readonly quantization?: LayerQuantization;
}
