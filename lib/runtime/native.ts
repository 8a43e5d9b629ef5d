import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { os } from '../builtins';
import { type ErrorCode, RequantError } from '../errors';
import { packageRoot } from '../package-root';
import type { Rounding } from '../quantization/rounding';

/** Opaque native objects; freed when released or collected. */
export interface NativeWeights {
  readonly __weights: never;
}
export interface NativePlan {
  readonly __plan: never;
}
export interface NativeIntegerNet {
  readonly __integerNet: never;
}

type Codes = Int8Array | Uint8Array;
export type NativeRows = Float32Array | Codes;

export interface NativeRequantize {
  multiplier: Int32Array;
  shift: Int32Array;
  zeroPoint: number;
  min: number;
  max: number;
  rounding: Rounding;
}

/** Quantization grid in the u8 domain: int8 codes, zero points and bounds are raised by 128. */
export interface NativeGrid {
  scale: Float32Array;
  zeroPoint: number;
  lo: number;
  hi: number;
}

/** The numbers ± j·2^(e − mantissa) up to `limit`, e ≥ minExponent, times a largest number or scale / `numerator`. */
export interface NativeFloatGrid {
  mantissa: number;
  minExponent: number;
  limit: number;
  numerator: number;
}

export type NativeStage =
  | {
      op: 'staticLinear';
      inputs: [number];
      output: number;
      weight: Codes;
      outFeatures: number;
      inFeatures: number;
      weightZeroPoint: Int32Array | undefined;
      bias: Int32Array | undefined;
      xZeroPoint: number;
      requantize?: {
        rounding: Rounding;
        multiplier?: Int32Array;
        shift?: Int32Array;
        scale?: Float32Array;
        zeroPoint: number;
        lo: number;
        hi: number;
      };
      scale?: Float32Array;
    }
  | {
      op: 'dynamicLinear';
      inputs: [number];
      output: number;
      weight: Codes;
      outFeatures: number;
      inFeatures: number;
      weightZeroPoint: Int32Array | undefined;
      scale: Float32Array;
      bias: Float32Array | undefined;
    }
  | {
      op: 'floatLinear';
      inputs: [number];
      output: number;
      weight: Float32Array | Int8Array;
      outFeatures: number;
      inFeatures: number;
      scale: Float32Array | undefined;
      bias: Float32Array | undefined;
    }
  | {
      op: 'int4Linear';
      inputs: [number];
      output: number;
      /** Two a byte, [outFeatures, ceil(inFeatures / 2)]. */
      weight: Uint8Array;
      outFeatures: number;
      inFeatures: number;
      groupSize: number;
      /** [outFeatures, groups] */
      scale: Float32Array;
      bias: Float32Array | undefined;
      /** Whether the input is quantized row by row, or multiplied as it is. */
      dynamic: boolean;
    }
  | ({ op: 'quantize' | 'dequantize'; inputs: [number]; output: number } & NativeGrid)
  | ({
      op: 'roundToGrid';
      inputs: [number];
      output: number;
      denominator: number;
    } & NativeFloatGrid)
  | { op: 'lookup'; inputs: [number]; output: number; table: Uint8Array }
  | { op: 'softmax' | 'logSoftmax'; inputs: [number]; output: number }
  | {
      op: 'layerNorm';
      inputs: [number];
      output: number;
      epsilon: number;
      weight: Float32Array | undefined;
      bias: Float32Array | undefined;
      /** Of an input of codes. */
      grid?: NativeGrid;
    }
  | { op: 'add'; inputs: [number, number]; output: number }
  | { op: 'concat'; inputs: number[]; output: number }
  | { op: NativeElementwise; inputs: [number]; output: number; a: number; b: number };

export type NativeElementwise =
  | 'relu'
  | 'relu6'
  | 'clip'
  | 'leakyRelu'
  | 'elu'
  | 'hardSigmoid'
  | 'hardSwish'
  | 'sigmoid'
  | 'tanh'
  | 'gelu'
  | 'geluTanh'
  | 'silu';

export type NativePort =
  | { value: number; element: 'float32' }
  | ({ value: number; element: 'int8' | 'uint8' } & NativeGrid);

export interface NativeProgram {
  values: { name: string; features: number; type: 'float32' | 'codes' }[];
  stages: NativeStage[];
  input: NativePort;
  output: NativePort;
  observable: boolean;
}

/** native/training/integer_net.h */
export interface NativeIntegerSpec {
  recipe: 'wage' | 'block';
  layers: readonly {
    inFeatures: number;
    outFeatures: number;
    limit: number;
    codeShift: number;
    exponent: number;
    shift: number;
  }[];
  mostRows: number;
  inputExponent: number;
  /** Whether input bytes stand for themselves less 128. */
  raisedInputs: boolean;
  /** Lower and upper word. */
  seed: [number, number];
}

/** How much CPU this process may use. */
export interface NativeCpuLimits {
  /** CPUs that it may be scheduled on. */
  cpus: number;
  /** Whose limit `quotaCpus` is; null where there are no cgroup files. */
  cgroup: 'v1' | 'v2' | null;
  /** CPUs' worth of time; null: no limit. */
  quotaCpus: number | null;
}

/** The one pool of the process, and what decided its size. */
export interface NativePoolInfo {
  threads: number;
  source: 'REQUANT_THREADS' | 'quota' | 'affinity';
}

/** Runs one plan here and now. Checks all it is given. */
export type NativeRun = (input: NativeRows, output: NativeRows) => void;

/** The addon's exports; native/addon/functions.h lists the same. Every function throws errors that carry `code`. */
export interface NativeAddon {
  /** `sparse`: kernels that skip zero 4×1 blocks on this CPU. */
  kernelsInfo(): { compiled: string[]; available: string[]; sparse: string[]; features: string[] };
  activeKernel(): string;
  /** Of one core, by the kernel in use; undefined where it has no peak to measure. */
  instructionPeak(milliseconds: number): { macsPerSecond: number; fmasPerSecond: number } | undefined;
  cpuLimits(): NativeCpuLimits;
  poolInfo(): NativePoolInfo;

  packWeights(
    weights: Codes,
    outFeatures: number,
    inFeatures: number,
    zeroPoint: Int32Array | undefined,
  ): NativeWeights;
  releaseWeights(weights: NativeWeights): void;
  qgemm<O extends Int32Array | Float32Array | Codes>(
    x: Codes,
    weights: NativeWeights,
    xZeroPoint: number,
    bias: Int32Array | undefined,
    requantize: NativeRequantize | undefined,
    dequantizeScale: Float32Array | undefined,
    out: O,
  ): O;
  requantize<O extends Codes>(acc: Int32Array, requantize: NativeRequantize, out: O): O;
  quantizeLinear<O extends Codes>(x: Float32Array, scale: number, zeroPoint: number, out: O): O;
  dequantizeLinear(q: Codes | Int32Array, scale: number, zeroPoint: number, out: Float32Array): Float32Array;
  dynamicQuantizeLinear(x: Float32Array, out: Uint8Array): { scale: number; zeroPoint: number };
  /**
   * One denominator, or one a row. Into a Float32Array: the nearest numbers, where not `scaled` those of the grid as if it
   * was the numerator; into a Float64Array: Σ (y − x)² of each row.
   */
  roundToGrid<O extends Float32Array | Float64Array>(
    x: Float32Array,
    grid: NativeFloatGrid,
    denominators: Float32Array,
    scaled: boolean,
    out: O,
  ): O;
  activationTable(
    name: NativeElementwise,
    a: number,
    b: number,
    inScale: number,
    inZeroPoint: number,
    inUnsigned: boolean,
    outScale: number,
    outZeroPoint: number,
    outUnsigned: boolean,
  ): Uint8Array;

  /** `threads`: most threads of one run; 0: all of the pool. */
  compilePlan(program: NativeProgram, threads: number): NativePlan;
  releasePlan(plan: NativePlan): void;
  /** The weights of the int8 layer that writes value `value`, row-major [out, in], as they came. */
  unpackWeights<O extends Codes>(plan: NativePlan, value: number, out: O): O;
  /** Frees the memory of a buffer at once; arrays on it become empty. */
  detachBuffer(buffer: ArrayBufferLike): void;
  bindPlan(plan: NativePlan, nanIsZero: boolean): NativeRun;
  observePlan(
    plan: NativePlan,
    input: NativeRows,
    output: NativeRows,
    nanIsZero: boolean,
    values: (NativeRows | undefined)[],
  ): void;
  submitPlan(
    plan: NativePlan,
    input: NativeRows,
    /** Holds the result when `done` is called. */
    output: NativeRows,
    /** Whether no one else has the output: it is then written to until `done`. */
    isOwnOutput: boolean,
    /** Whether no one changes the input until `done`: it is not copied then. */
    isOwnInput: boolean,
    nanIsZero: boolean,
    done: (code: string | undefined, message: string | undefined) => void,
  ): number;
  cancelRun(id: number): void;

  floatProduct(
    a: Float32Array,
    b: Float32Array,
    m: number,
    n: number,
    k: number,
    aTransposed: boolean,
    bTransposed: boolean,
    out: Float32Array,
    bias?: Float32Array,
  ): Float32Array;
  columnSums(matrix: Float32Array, columns: number, out: Float32Array): Float32Array;
  gatherRows(
    source: Float32Array | Uint8Array,
    features: number,
    rows: Uint32Array,
    out: Float32Array,
  ): Float32Array;
  elementwise(name: NativeElementwise, a: number, b: number, x: Float32Array, y: Float32Array): Float32Array;
  elementwiseGradient(
    name: NativeElementwise,
    a: number,
    b: number,
    x: Float32Array,
    dy: Float32Array,
    dx: Float32Array,
  ): Float32Array;
  softmax(x: Float32Array, features: number, logarithm: boolean, y: Float32Array): Float32Array;
  softmaxAndLog(x: Float32Array, features: number, y: Float32Array, logs: Float32Array): void;
  layerNorm(
    x: Float32Array,
    features: number,
    epsilon: number,
    weight: Float32Array | undefined,
    bias: Float32Array | undefined,
    y: Float32Array,
  ): Float32Array;
  layerNormGradient(
    x: Float32Array,
    features: number,
    epsilon: number,
    weight: Float32Array | undefined,
    dy: Float32Array,
    dx: Float32Array,
  ): Float32Array;
  adamStep(
    learningRate: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    correction1: number,
    correction2: number,
    gradient: Float32Array,
    weight: Float32Array,
    m: Float32Array,
    v: Float32Array,
  ): void;
  sgdStep(
    learningRate: number,
    momentum: number,
    gradient: Float32Array,
    weight: Float32Array,
    velocity: Float32Array,
  ): void;

  createIntegerNet(spec: NativeIntegerSpec): NativeIntegerNet;
  releaseIntegerNet(net: NativeIntegerNet): void;
  /** Loss: a sum over the rows. `rate`: exponent of the learning rate; `step` numbers the random words. */
  integerStep(
    net: NativeIntegerNet,
    inputs: Uint8Array,
    targets: Int32Array,
    rows: Uint32Array,
    rate: number,
    step: number,
  ): { loss: number; correct: number };
  integerJudge(
    net: NativeIntegerNet,
    inputs: Uint8Array,
    targets: Int32Array,
    rows: Uint32Array,
  ): { loss: number; correct: number };
  readIntegerLayer(net: NativeIntegerNet, layer: number, weights: Int32Array, bias: Int32Array): void;
  writeIntegerLayer(net: NativeIntegerNet, layer: number, weights: Int32Array, bias: Int32Array): void;
  readIntegerState(net: NativeIntegerNet): Int32Array;
  writeIntegerState(net: NativeIntegerNet, state: Int32Array): void;
}

/** What builds the addon from source, of what a user has. Without a number, make would start all compilers at once. */
function buildCommand(): string {
  const folder = path.join(packageRoot, 'build');
  const jobs = os().availableParallelism();
  return `cmake -S "${packageRoot}" -B "${folder}" && cmake --build "${folder}" --parallel ${jobs}`;
}

let loaded: NativeAddon | undefined;

/** The addon, found at the first native call. Errors: ERR_BINARY when no binary fits this platform. */
export function native(): NativeAddon {
  loaded ??= load();
  return loaded;
}

/** What `npm run build:native` makes; node-gyp-build would look there first, too, but is slower to load than the addon. */
const builtBinary = path.join(packageRoot, 'build', 'Release', 'requant.node');

function nodeGypBuild(): typeof import('node-gyp-build') {
  // It knows musl only by Alpine's release file; the interpreter of the running node is the fact itself.
  process.env['LIBC'] ??= libcOf(process.execPath);
  return require('node-gyp-build');
}

function load(): NativeAddon {
  try {
    return (existsSync(builtBinary) ? require(builtBinary) : nodeGypBuild()(packageRoot)) as NativeAddon;
  } catch (cause) {
    throw new RequantError(
      'ERR_BINARY',
      `expected a binary for ${process.platform}-${process.arch} but found none that loads; build it with: ${buildCommand()}`,
      { cause },
    );
  }
}

/** Path of the binary that `native` loads; undefined where there is none. */
export function nativeBinaryPath(): string | undefined {
  try {
    return nodeGypBuild().resolve(packageRoot);
  } catch {
    return undefined;
  }
}

/** 'musl' or 'glibc', from the ELF interpreter (PT_INTERP) named in the first page of an executable. */
export function libcOf(executable: string): 'musl' | 'glibc' {
  if (process.platform !== 'linux' || !existsSync(executable)) return 'glibc';
  const page = Buffer.alloc(4096);
  const file = openSync(executable, 'r');
  try {
    readSync(file, page, 0, page.length, 0);
  } finally {
    closeSync(file);
  }
  return page.includes('ld-musl-') ? 'musl' : 'glibc';
}

/** An error of the addon as a RequantError; anything else as it is. */
export function toRequantError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RequantError) return error;
  const code = (error as Error & { code?: unknown }).code;
  if (typeof code === 'string' && code.startsWith('ERR_'))
    return new RequantError(code as ErrorCode, error.message);
  // std::bad_alloc and its kin reach JavaScript by their what().
  return new RequantError(
    'ERR_MEMORY',
    `expected the native call to succeed but received: ${error.message}`,
    { cause: error },
  );
}

/** Runs a native call; errors come out as RequantError. */
export function callNative<T>(body: (addon: NativeAddon) => T): T {
  const addon = native();
  try {
    return body(addon);
  } catch (error) {
    throw toRequantError(error);
  }
}
