/**
 * How an int32 accumulator becomes a code (docs/numerics.md). 'half-up' is the default; 'float32' is ONNX Runtime's
 * epilogue and the default of imported ONNX graphs.
 */
export type Rounding = 'half-up' | 'half-even' | 'gemmlowp' | 'float32';

export const ROUNDINGS: readonly Rounding[] = ['half-up', 'half-even', 'gemmlowp', 'float32'];
