/**
 * The element types this package stores. `float16` and `bfloat16` exist in files only; they are widened on reading.
 * 'e4m3fn' and 'e5m2' (float8) are kept as their codes.
 */
export type DType = 'float32' | 'int8' | 'uint8' | 'int32' | 'e4m3fn' | 'e5m2';

export interface TensorData {
  float32: Float32Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int32: Int32Array;
  e4m3fn: Uint8Array;
  e5m2: Uint8Array;
}

/** A dense row-major array with its shape. `data.length` is the product of `shape`. */
export type Tensor = {
  readonly [D in DType]: {
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: TensorData[D];
  };
}[DType];

/** The codes of a float8 format. */
export function float8Tensor(dtype: 'e4m3fn' | 'e5m2', data: Uint8Array, shape: readonly number[]): Tensor {
  return { dtype, shape, data };
}

/** The tensor that holds `data`; its dtype follows from the array's type. */
export function tensor(data: TensorData[DType], shape: readonly number[] = [data.length]): Tensor {
  if (data instanceof Float32Array) return { dtype: 'float32', shape, data };
  if (data instanceof Int8Array) return { dtype: 'int8', shape, data };
  if (data instanceof Uint8Array) return { dtype: 'uint8', shape, data };
  return { dtype: 'int32', shape, data };
}
