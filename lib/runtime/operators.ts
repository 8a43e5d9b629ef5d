import { expected, RequantError } from '../errors';
import type { Rounding } from '../quantization/rounding';
import { ROUNDINGS } from '../quantization/rounding';
import {
  type Codes,
  checkCodes,
  checkFinite,
  checkFloats,
  checkInt32s,
  checkInteger,
  checkOptionKeys,
  checkWord,
} from './checks';
import { callNative, type NativeRequantize, type NativeWeights, native } from './native';

/** Instruction sets with kernels, by the name that REQUANT_KERNEL takes. */
export type KernelName = 'scalar' | 'avx2' | 'avxvnni' | 'avx512vnni' | 'neon-dotprod' | 'neon-i8mm';

/** Requantization of int32 accumulators to codes; formulas in docs/numerics.md. */
export interface Requantize {
  /** 0 or in [2^30, 2^31); length 1 or outFeatures. M = multiplier · 2^−shift. */
  multiplier: Int32Array;
  /** 25…63; as long as `multiplier`. */
  shift: Int32Array;
  /** Zero point of the output, in its dtype's range. Default 0. */
  zeroPoint?: number;
  /** Clamp bounds as codes; default the dtype's range. A ReLU is `min: zeroPoint`. */
  min?: number;
  max?: number;
  /** Default 'half-up'. */
  rounding?: Rounding;
  dtype: 'int8' | 'uint8';
}

/** What `qgemm` takes beside x and the weights. */
export interface QgemmOptions {
  /** Zero point of x, in its dtype's range. Default 0. */
  xZeroPoint?: number;
  /** int32, one an output feature. Default none. */
  bias?: Int32Array;
}

/**
 * Kernels of this binary that this CPU runs, best first, and the one in use. REQUANT_KERNEL=name forces one.
 * Errors: ERR_KERNEL when REQUANT_KERNEL names another; ERR_BINARY when no binary fits this platform.
 */
export function kernels(): { available: readonly KernelName[]; active: KernelName } {
  return callNative((addon) => ({
    available: addon.kernelsInfo().available as KernelName[],
    active: addon.activeKernel() as KernelName,
  }));
}

const handles = new WeakMap<PackedWeights, NativeWeights>();

/** Weights in the order the active kernel reads them. Made by `packWeights`; immutable. */
export class PackedWeights implements Disposable {
  private constructor(
    readonly outFeatures: number,
    readonly inFeatures: number,
  ) {}

  /** @internal */
  static wrap(handle: NativeWeights, outFeatures: number, inFeatures: number): PackedWeights {
    const weights = new PackedWeights(outFeatures, inFeatures);
    handles.set(weights, handle);
    return weights;
  }

  /** Frees the native memory; later use is ERR_DISPOSED. Idempotent. */
  dispose(): void {
    const handle = handles.get(this);
    if (handle === undefined) return;
    handles.delete(this);
    native().releaseWeights(handle);
  }

  /** `dispose`, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

function handleOf(weights: PackedWeights): NativeWeights {
  if (!(weights instanceof PackedWeights))
    throw expected('ERR_ARGUMENT', 'w to be made by packWeights', weights);
  const handle = handles.get(weights);
  if (handle === undefined)
    throw new RequantError('ERR_DISPOSED', 'expected packed weights but received disposed ones');
  return handle;
}

/**
 * Packs int8 or uint8 weights [outFeatures, inFeatures], row-major, once for any number of products.
 *
 * @param options.zeroPoint zero point of the weights, one or one an output feature; default 0.
 * Errors: ERR_DTYPE, ERR_SHAPE, ERR_ARGUMENT (zero point out of range), ERR_KERNEL, ERR_MEMORY.
 */
export function packWeights(
  weights: Int8Array | Uint8Array,
  shape: readonly [outFeatures: number, inFeatures: number],
  options?: { zeroPoint?: number | Int32Array },
): PackedWeights {
  checkCodes('weights', weights);
  if (!Array.isArray(shape)) throw expected('ERR_ARGUMENT', 'shape to be [outFeatures, inFeatures]', shape);
  const [outFeatures, inFeatures] = shape;
  checkInteger('outFeatures', outFeatures, 1, 2 ** 24);
  checkInteger('inFeatures', inFeatures, 1, 2 ** 24);
  checkOptionKeys('options', options, ['zeroPoint']);
  const zeroPoint = options?.zeroPoint;
  if (typeof zeroPoint === 'number') checkInteger('zeroPoint', zeroPoint, -128, 255);
  else if (zeroPoint !== undefined) checkInt32s('zeroPoint', zeroPoint);
  if (zeroPoint instanceof Int32Array) checkNotEmpty('zeroPoint', zeroPoint);
  const zeroPoints = typeof zeroPoint === 'number' ? Int32Array.of(zeroPoint) : zeroPoint;
  const handle = callNative((addon) => addon.packWeights(weights, outFeatures, inFeatures, zeroPoints));
  return PackedWeights.wrap(handle, outFeatures, inFeatures);
}

/**
 * acc[m, n] = bias[n] + Σk (x[m, k] − xZeroPoint)·(w[n, k] − wZeroPoint[n]), exact in int32, then one of:
 * int32 as it is (default), `requantize` to codes, or `dequantize`: fl(fl(acc) · scale[n]) as float32.
 *
 * @param x row-major [rows, inFeatures]; 0 rows allowed.
 * @param o.out receives the result [rows, outFeatures]; default a new array. Returned.
 * Runs on the calling thread. Same bits on every kernel.
 * Errors: ERR_DTYPE, ERR_SHAPE, ERR_ARGUMENT, ERR_OVERFLOW (an accumulator might not fit int32), ERR_DISPOSED.
 */
export function qgemm(x: Codes, w: PackedWeights, o?: QgemmOptions & { out?: Int32Array }): Int32Array;
export function qgemm(
  x: Codes,
  w: PackedWeights,
  o: QgemmOptions & { requantize: Requantize & { dtype: 'int8' }; out?: Int8Array },
): Int8Array;
export function qgemm(
  x: Codes,
  w: PackedWeights,
  o: QgemmOptions & { requantize: Requantize & { dtype: 'uint8' }; out?: Uint8Array },
): Uint8Array;
export function qgemm(
  x: Codes,
  w: PackedWeights,
  o: QgemmOptions & { dequantize: { scale: Float32Array }; out?: Float32Array },
): Float32Array;
export function qgemm(
  x: Codes,
  w: PackedWeights,
  o: QgemmOptions & {
    requantize?: Requantize;
    dequantize?: { scale: Float32Array };
    out?: Int32Array | Codes | Float32Array;
  } = {},
): Int32Array | Codes | Float32Array {
  checkCodes('x', x);
  const handle = handleOf(w);
  checkOptionKeys('options', o, QGEMM_KEYS);
  const { xZeroPoint = 0, bias, dequantize } = o;
  checkInteger('xZeroPoint', xZeroPoint, -128, 255);
  if (bias !== undefined) {
    checkInt32s('bias', bias);
    checkNotEmpty('bias', bias);
  }
  if (dequantize !== undefined) {
    checkOptionKeys('dequantize', dequantize, ['scale']);
    checkFloats('dequantize.scale', dequantize.scale);
    checkNotEmpty('dequantize.scale', dequantize.scale);
  }
  if (o.requantize !== undefined && dequantize !== undefined) {
    throw expected('ERR_ARGUMENT', 'either requantize or dequantize', 'both');
  }
  const requantize = o.requantize === undefined ? undefined : nativeRequantize(o.requantize);
  const type = o.requantize ? arrayOf(o.requantize.dtype) : dequantize ? Float32Array : Int32Array;
  const out = outputArray(type, o.out, Math.floor(x.length / w.inFeatures) * w.outFeatures);
  return callNative((addon) => addon.qgemm(x, handle, xZeroPoint, bias, requantize, dequantize?.scale, out));
}

/**
 * Codes of int32 accumulators. With one multiplier for all, `acc` is any array; with n of them it is row-major
 * [rows, n]. Errors: ERR_DTYPE, ERR_SHAPE, ERR_ARGUMENT.
 */
export function requantize(acc: Int32Array, o: Requantize & { dtype: 'int8' }): Int8Array;
export function requantize(acc: Int32Array, o: Requantize & { dtype: 'uint8' }): Uint8Array;
export function requantize(acc: Int32Array, o: Requantize): Codes {
  checkInt32s('acc', acc);
  const parameters = nativeRequantize(o);
  return callNative((addon) => addon.requantize(acc, parameters, new (arrayOf(o.dtype))(acc.length)));
}

/**
 * ONNX QuantizeLinear, per tensor: zeroPoint + rne(fl(x / scale)), saturated. ±Infinity saturates.
 * Errors: ERR_NAN_INPUT (the index is named), ERR_ARGUMENT (scale outside [2^−100, 2^126], zero point), ERR_DTYPE.
 */
export function quantizeLinear(x: Float32Array, scale: number, zeroPoint: number, dtype: 'int8'): Int8Array;
export function quantizeLinear(x: Float32Array, scale: number, zeroPoint: number, dtype: 'uint8'): Uint8Array;
export function quantizeLinear(
  x: Float32Array,
  scale: number,
  zeroPoint: number,
  dtype: 'int8' | 'uint8',
): Codes {
  checkFloats('x', x);
  checkFinite('scale', scale);
  checkWord('dtype', dtype, ['int8', 'uint8']);
  checkInteger('zeroPoint', zeroPoint, -128, 255);
  return callNative((addon) => addon.quantizeLinear(x, scale, zeroPoint, new (arrayOf(dtype))(x.length)));
}

/**
 * ONNX DequantizeLinear, per tensor: fl(scale · fl(q − zeroPoint)). The zero point of int32 is usually 0.
 * Errors: ERR_DTYPE, ERR_ARGUMENT.
 */
export function dequantizeLinear(q: Codes | Int32Array, scale: number, zeroPoint = 0): Float32Array {
  if (!(q instanceof Int32Array)) checkCodes('q', q);
  checkFinite('scale', scale);
  checkInteger('zeroPoint', zeroPoint, -(2 ** 31), 2 ** 31 - 1);
  return callNative((addon) => addon.dequantizeLinear(q, scale, zeroPoint, new Float32Array(q.length)));
}

/**
 * ONNX DynamicQuantizeLinear, per tensor, to uint8: the range is that of the finite values and 0.
 * Errors: ERR_NAN_INPUT (the index is named), ERR_DTYPE.
 */
export function dynamicQuantizeLinear(x: Float32Array): { y: Uint8Array; scale: number; zeroPoint: number } {
  checkFloats('x', x);
  const y = allocate(Uint8Array, x.length);
  return { y, ...callNative((addon) => addon.dynamicQuantizeLinear(x, y)) };
}

function arrayOf(dtype: 'int8' | 'uint8'): Int8ArrayConstructor | Uint8ArrayConstructor {
  return dtype === 'int8' ? Int8Array : Uint8Array;
}

const QGEMM_KEYS = ['xZeroPoint', 'bias', 'requantize', 'dequantize', 'out'];
const REQUANTIZE_KEYS = ['multiplier', 'shift', 'zeroPoint', 'min', 'max', 'rounding', 'dtype'];

/** To the native code an empty array is none at all. */
function checkNotEmpty(name: string, values: Int32Array | Float32Array): void {
  if (values.length === 0) throw expected('ERR_SHAPE', `${name} of length 1 or outFeatures`, 0);
}

function nativeRequantize(o: Requantize): NativeRequantize {
  if (o === undefined) throw expected('ERR_ARGUMENT', 'requantize to be an object', o);
  checkOptionKeys('requantize', o, REQUANTIZE_KEYS);
  checkWord('requantize.dtype', o.dtype, ['int8', 'uint8']);
  checkInt32s('requantize.multiplier', o.multiplier);
  checkInt32s('requantize.shift', o.shift);
  const [lo, hi] = o.dtype === 'int8' ? [-128, 127] : [0, 255];
  const { zeroPoint = 0, min = lo, max = hi, rounding = 'half-up' } = o;
  checkInteger('requantize.zeroPoint', zeroPoint, lo, hi);
  checkInteger('requantize.min', min, lo, hi);
  checkInteger('requantize.max', max, lo, hi);
  checkWord('requantize.rounding', rounding, ROUNDINGS);
  return { multiplier: o.multiplier, shift: o.shift, zeroPoint, min, max, rounding };
}

type AnyArray = Int32Array | Float32Array | Codes;

function allocate<T extends AnyArray>(type: new (length: number) => T, length: number): T {
  try {
    return new type(length);
  } catch (cause) {
    throw new RequantError('ERR_MEMORY', `cannot allocate ${length} values of ${type.name}`, { cause });
  }
}

function outputArray(
  type: new (length: number) => AnyArray,
  out: AnyArray | undefined,
  length: number,
): AnyArray {
  if (out === undefined) return allocate(type, length);
  if (!(out instanceof type)) throw expected('ERR_DTYPE', `out to be a ${type.name}`, out);
  return out;
}
