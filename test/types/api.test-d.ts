/**
 * The public types, checked by `tsc --noEmit`: what must compile, and, by `@ts-expect-error`, what must not. Nothing
 * here runs.
 */

import {
  correctBias,
  equalize,
  type LayerSensitivity,
  type MethodResult,
  mixedPrecision,
  quantizationError,
  type SearchResult,
  search,
  type sensitivity,
  smoothQuant,
} from '../../lib/compression';
import {
  decode,
  type EncodeOptions,
  encode,
  type FormatSearch,
  type Fp8Format,
  gridValues,
  quantizeFp8,
  searchFormat,
} from '../../lib/fp8';
import {
  type Batches,
  type Calibration,
  calibrate,
  clip,
  concat,
  type ElementwiseName,
  type ErrorCode,
  elu,
  type Format,
  gelu,
  hardSigmoid,
  hardSwish,
  type Layer,
  type LayerQuantization,
  layerNorm,
  leakyRelu,
  linear,
  load,
  logSoftmax,
  MLP,
  type Mode,
  type Model,
  type Observer,
  type Port,
  QuantizedMLP,
  quantize,
  type RequantError,
  type Rounding,
  type Rows,
  relu,
  relu6,
  residual,
  type Source,
  type Stage,
  sigmoid,
  silu,
  softmax,
  tanh,
} from '../../lib/index';
import {
  dequantizeLinear,
  type dynamicQuantizeLinear,
  type KernelName,
  kernels,
  multiplierFromScale,
  PackedWeights,
  packWeights,
  qgemm,
  quantizeLinear,
  requantize,
} from '../../lib/kernels';

import { type ExportOptions, exportOnnx, type ImportOptions, importOnnx } from '../../lib/onnx';

import { type Report, type ReportData, type ReportOptions, report } from '../../lib/report';
import { type BatcherStats, type BatchReport, MicroBatcher } from '../../lib/serving';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(_?: T): void => undefined;

declare const floats: Float32Array;
declare const int8s: Int8Array;
declare const uint8s: Uint8Array;
declare const int32s: Int32Array;
declare const float: MLP;
declare const quantized: QuantizedMLP;
declare const calibration: Calibration;

export async function models(): Promise<void> {
  is<Equal<Awaited<ReturnType<typeof load>>, MLP | QuantizedMLP>>();
  const loaded = await MLP.load('mnist.safetensors', {
    activation: 'relu',
    threads: 2,
    onNaN: 'zero',
    maxQueue: 5,
  });
  is<Equal<typeof loaded, MLP>>();
  is<Equal<Awaited<ReturnType<typeof QuantizedMLP.load>>, QuantizedMLP>>();
  const sources: Source[] = ['path', new URL('file:///x'), uint8s, Buffer.alloc(1)];
  await load(sources[0]!, { activation: gelu('tanh') });
  // @ts-expect-error a source is a path, a URL or bytes
  await load(5);
  // @ts-expect-error an ArrayBuffer is no Uint8Array
  await load(new ArrayBuffer(8));
  // @ts-expect-error clip has bounds: it is given as a layer
  await load('x', { activation: 'clip' });
  // @ts-expect-error an unknown activation
  await load('x', { activation: 'softplus' });
  // @ts-expect-error an unknown option
  await load('x', { activations: 'relu' });
  // @ts-expect-error a quantized file states its own layers
  await QuantizedMLP.load('x', { activation: 'relu' });

  // Either kind is a Model, and the kind tells them apart.
  const either: MLP | QuantizedMLP = await load('x');
  const model: Model = either;
  is<Equal<typeof model.kind, 'float' | 'quantized'>>();
  if (either.kind === 'float') is<Equal<typeof either, MLP>>();
  else is<Equal<typeof either.rounding, Rounding>>();
  // @ts-expect-error only float models have layers
  quantized.layers;
  // @ts-expect-error only quantized models have a rounding
  float.rounding;
  // @ts-expect-error made by quantize and load alone
  new QuantizedMLP();
  using disposed: Model = float;
  disposed.dispose();

  is<Equal<typeof model.input, Port>>();
  is<Equal<typeof model.stages, readonly Stage[]>>();
  is<Equal<typeof model.metadata, Readonly<Record<string, string>>>>();
  is<Equal<typeof float.layers, readonly Layer[]>>();
  // @ts-expect-error models are immutable
  model.inFeatures = 3;
  // @ts-expect-error models are immutable
  model.metadata.owner = 'me';
  await model.save('x', { metadata: { owner: 'me' } });
  await model.save(new URL('file:///x'));
  is<Equal<ReturnType<typeof model.toBytes>, Uint8Array>>();
  // @ts-expect-error metadata are strings
  model.toBytes({ metadata: { version: 1 } });
}

export async function runs(model: Model): Promise<void> {
  is<Equal<Rows, Float32Array | Uint8Array | Int8Array>>();
  const fresh: Float32Array = model.runSync(floats);
  const codes: Int8Array = model.runSync(uint8s, int8s);
  const reals: Float32Array = model.runSync(int8s, floats);
  const later: Float32Array = await model.run(floats, { timeout: 5, signal: AbortSignal.timeout(5) });
  const given: Uint8Array = await model.run(floats, { output: uint8s });
  void [fresh, codes, reals, later, given];
  // @ts-expect-error the output's type is that of the array given
  const wrong: Float32Array = model.runSync(floats, int8s);
  // @ts-expect-error without an output it is a Float32Array
  const alsoWrong: Int8Array = model.runSync(floats);
  // @ts-expect-error a promise of the output's type
  const lateAndWrong: Promise<Float32Array> = model.run(floats, { output: int8s });
  void [wrong, alsoWrong, lateAndWrong];
  // @ts-expect-error no float64
  model.runSync(new Float64Array(1));
  // @ts-expect-error no plain arrays
  model.runSync([1, 2]);
  // @ts-expect-error no int32 out
  model.runSync(floats, int32s);
  // @ts-expect-error threads are fixed when a model is made
  model.run(floats, { threads: 2 });
}

export async function serving(model: Model): Promise<void> {
  await using batcher = new MicroBatcher(model, {
    maxBatch: 8,
    maxDelayMs: 1,
    maxQueue: 9,
    maxRunning: 1,
    maxBlockMs: 0,
    onBatch: (batch: BatchReport) => void (batch.rows + batch.runMs),
  });
  const fresh: Float32Array = await batcher.run(floats, { timeout: 5, signal: AbortSignal.timeout(5) });
  const given: Int8Array = await batcher.run(uint8s, { output: int8s });
  void [fresh, given];
  // @ts-expect-error without an output it is a Float32Array
  const wrong: Promise<Int8Array> = batcher.run(floats);
  void wrong;
  // @ts-expect-error an unknown option
  new MicroBatcher(model, { maxbatch: 8 });
  // @ts-expect-error counters are read
  batcher.stats.rows = 0;
  is<Equal<typeof batcher.stats, BatcherStats>>();
  is<Equal<ReturnType<typeof batcher.close>, Promise<void>>>();
}

export function layers(): void {
  is<
    Equal<
      ElementwiseName,
      | 'relu'
      | 'relu6'
      | 'leakyRelu'
      | 'elu'
      | 'hardSigmoid'
      | 'hardSwish'
      | 'sigmoid'
      | 'tanh'
      | 'gelu'
      | 'silu'
    >
  >();
  const all: Layer[] = [
    linear({ inFeatures: 1, outFeatures: 2, weight: floats, bias: floats, name: 'fc' }),
    linear({ inFeatures: 1, outFeatures: 2, bias: false }),
    ...[
      relu(),
      relu6(),
      sigmoid(),
      tanh(),
      silu(),
      hardSwish(),
      clip(0, 1),
      leakyRelu(),
      leakyRelu(0.1),
      elu(),
      elu(2),
    ],
    ...[hardSigmoid(), hardSigmoid(0.2, 0.5), gelu(), gelu('tanh'), softmax(), logSoftmax()],
    residual([relu()]),
    concat([[], [relu()]]),
  ];
  const chosen: LayerQuantization = { scale: floats, mode: 'dynamic', format: 'int8', bits: 8 };
  const wishing: Layer = { ...all[0]!, quantization: chosen };
  new MLP([...all, wishing], { seed: 1, threads: 1, onNaN: 'error', maxQueue: 1 });
  layerNorm({ features: 3, epsilon: 1e-5, weight: floats, bias: floats });
  // @ts-expect-error outFeatures is missing
  linear({ inFeatures: 1 });
  // @ts-expect-error weights are a Float32Array
  linear({ inFeatures: 1, outFeatures: 1, weight: [1] });
  // @ts-expect-error a misspelt option
  linear({ inFeatures: 1, outFeatures: 1, weights: floats });
  // @ts-expect-error both bounds
  clip(0);
  // @ts-expect-error an unknown approximation
  gelu('fast');
  // @ts-expect-error branches are lists
  concat([relu()]);
  // @ts-expect-error a list
  residual(relu());
  // @ts-expect-error an unknown option
  new MLP(all, { sed: 1 });
  // @ts-expect-error layers are plain frozen data
  all[0]!.type = 'relu';
}

export async function quantizing(): Promise<void> {
  is<Equal<Rounding, 'half-up' | 'half-even' | 'gemmlowp' | 'float32'>>();
  is<Equal<Mode, 'static' | 'dynamic' | 'weight-only'>>();
  is<Equal<Observer, 'auto' | 'minmax' | 'movingAverage' | 'percentile' | 'entropy' | 'mse'>>();
  const formats: Format[] = [
    'float32',
    'int8',
    'int4',
    'e4m3fn',
    'e5m2',
    'fp8-search',
    { mantissa: 3, exponent: 4, max: 240 },
  ];
  void formats;
  async function* stream(): AsyncGenerator<Float32Array> {
    yield floats;
  }
  const batches: Batches[] = [floats, [floats], new Set([floats]), stream()];
  const ranges = await calibrate(float, batches[0]!, {
    method: 'mse',
    keepRows: 10,
    signal: new AbortController().signal,
  });
  is<Equal<typeof ranges, Calibration>>();
  is<Equal<(typeof ranges.ranges)[string], { min: number; max: number }>>();
  is<Equal<ReturnType<typeof quantize>, QuantizedMLP>>();
  quantize(float, null, { mode: 'weight-only' });
  quantize(float, ranges, {
    mode: 'static',
    format: 'int8',
    rounding: 'gemmlowp',
    weights: 'per-tensor',
    activations: 'symmetric',
    inputs: 'per-feature',
    output: 'uint8',
    layers: { fc: { mode: 'dynamic', scale: floats } },
    threads: 1,
    onNaN: 'zero',
    maxQueue: 3,
  });
  // @ts-expect-error only float models
  quantize(quantized, calibration);
  // @ts-expect-error null must be said
  quantize(float);
  // @ts-expect-error an unknown rounding
  quantize(float, calibration, { rounding: 'up' });
  // @ts-expect-error an unknown granularity
  quantize(float, calibration, { weights: 'per-row' });
  // @ts-expect-error an unknown output
  quantize(float, calibration, { output: 'int32' });
  // @ts-expect-error an unknown option
  quantize(float, calibration, { outputs: 'int8' });
  // @ts-expect-error 5 bits
  quantize(float, calibration, { layers: { fc: { bits: 5 } } });
  // @ts-expect-error an unknown observer
  await calibrate(float, floats, { method: 'max' });
  // @ts-expect-error batches are Float32Arrays
  await calibrate(float, [[1, 2]]);
}

export async function compressing(): Promise<void> {
  const models: MLP[] = [
    await equalize(float, { powersOfTwo: true, seed: 1 }),
    await smoothQuant(float, calibration, { alpha: 0.5, signal: AbortSignal.timeout(5) }),
    await correctBias(float, calibration, { quantize: { bits: 4, weights: 'per-tensor' } }),
    await mixedPrecision(float, calibration, {
      maxDrop: 0.5,
      fallback: 'weight-only',
      data: { inputs: floats, labels: uint8s },
    }),
  ];
  void models;
  is<Equal<Awaited<ReturnType<typeof sensitivity>>, readonly LayerSensitivity[]>>();
  const found: SearchResult = await search(float, floats, { budget: 5, maxDrop: 1, modes: ['static'] });
  quantize(found.model, found.calibration, found.options);
  is<Equal<typeof found.results, readonly MethodResult[]>>();
  quantizationError(floats, { scale: floats, min: -127, max: 127 });
  quantizationError(floats, { round: Math.round, min: -1, max: 1 });
  // @ts-expect-error the gate must be said
  await mixedPrecision(float, calibration, {});
  // @ts-expect-error only float models
  await equalize(quantized);
  // @ts-expect-error a misspelt option
  await smoothQuant(float, calibration, { aplha: 0.5 });
  // @ts-expect-error 5 bits
  quantize(float, calibration, { bits: 5 });
}

export function kernelOperators(): void {
  const { available, active } = kernels();
  is<Equal<typeof available, readonly KernelName[]>>();
  is<Equal<typeof active, KernelName>>();
  using w = packWeights(int8s, [2, 3], { zeroPoint: int32s });
  is<Equal<typeof w, PackedWeights>>();
  const m = multiplierFromScale(0.5);
  is<Equal<(typeof m)['multiplier'], Int32Array>>();

  // The output's type follows from the options.
  const accumulators: Int32Array = qgemm(uint8s, w);
  const sameAccumulators: Int32Array = qgemm(int8s, w, { xZeroPoint: 3, bias: int32s, out: int32s });
  const signed: Int8Array = qgemm(int8s, w, { requantize: { ...m, dtype: 'int8' } });
  const unsigned: Uint8Array = qgemm(int8s, w, {
    requantize: { ...m, dtype: 'uint8', zeroPoint: 3, min: 3, max: 9, rounding: 'half-even' },
    out: uint8s,
  });
  const reals: Float32Array = qgemm(int8s, w, { dequantize: { scale: floats }, out: floats });
  void [accumulators, sameAccumulators, signed, unsigned, reals];
  // @ts-expect-error int8 codes are no Uint8Array
  const wrong: Uint8Array = qgemm(int8s, w, { requantize: { ...m, dtype: 'int8' } });
  // @ts-expect-error the accumulators are int32
  const alsoWrong: Float32Array = qgemm(int8s, w);
  void [wrong, alsoWrong];
  // @ts-expect-error an output of another type
  qgemm(int8s, w, { requantize: { ...m, dtype: 'int8' }, out: uint8s });
  // @ts-expect-error floats must be quantized first
  qgemm(floats, w);
  // @ts-expect-error weights must be packed first
  qgemm(int8s, int8s);
  // @ts-expect-error the dtype is missing
  qgemm(int8s, w, { requantize: m });
  // @ts-expect-error a misspelt option
  qgemm(int8s, w, { xZeropoint: 3 });
  // @ts-expect-error made by packWeights alone
  new PackedWeights(2, 3);
  // @ts-expect-error a shape has two sizes
  packWeights(int8s, [2]);

  is<Equal<ReturnType<typeof dynamicQuantizeLinear>, { y: Uint8Array; scale: number; zeroPoint: number }>>();
  const q8: Int8Array = quantizeLinear(floats, 1, 0, 'int8');
  const u8: Uint8Array = quantizeLinear(floats, 1, 0, 'uint8');
  const r8: Int8Array = requantize(int32s, { ...m, dtype: 'int8' });
  const d: Float32Array[] = [
    dequantizeLinear(int8s, 1),
    dequantizeLinear(uint8s, 1, 3),
    dequantizeLinear(int32s, 1),
  ];
  void [q8, u8, r8, d];
  // @ts-expect-error uint8 codes are no Int8Array
  const wrongCodes: Int8Array = quantizeLinear(floats, 1, 0, 'uint8');
  void wrongCodes;
  // @ts-expect-error another dtype
  quantizeLinear(floats, 1, 0, 'int4');
  // @ts-expect-error another rounding
  requantize(int32s, { ...m, dtype: 'int8', rounding: 'up' });
  // @ts-expect-error floats are no codes
  dequantizeLinear(floats, 1);
}

export function errors(error: RequantError): void {
  is<Equal<typeof error.code, ErrorCode>>();
  if (error.code === 'ERR_SHAPE') return;
  // @ts-expect-error an unknown code
  if (error.code === 'ERR_SIZE') return;
}

export function onnxOut(float: MLP, int8: QuantizedMLP, model: Model): void {
  is<Equal<ReturnType<typeof exportOnnx>, Uint8Array>>();
  for (const any of [float, int8, model]) exportOnnx(any);
  const options: ExportOptions = { opset: 17 };
  exportOnnx(model, options);
  // @ts-expect-error a number
  exportOnnx(model, { opset: '17' });
}

export async function onnx(bytes: Uint8Array): Promise<void> {
  const options: ImportOptions = {
    threads: 1,
    externalData: async (location: string) => bytes.subarray(location.length),
  };
  const imported: MLP | QuantizedMLP = await importOnnx(bytes, options);
  // @ts-expect-error externalData gives bytes
  await importOnnx('x.onnx', { externalData: () => 'text' });
  imported.dispose();
}

export function fp8(x: Float32Array): void {
  const format: Fp8Format = { mantissa: 3, exponent: 4 };
  const grid: Float64Array = gridValues(format);
  const y: Float32Array = quantizeFp8(x, 'e4m3fn', { scale: grid[0]! });
  quantizeFp8(y, { ...format, max: 2 }, { max: Float32Array.of(1, 2), out: x });
  const options: EncodeOptions = { saturate: false };
  const codes: Uint8Array = encode(x, 'e5m2', options);
  decode(codes, 'e5m2');
  const found: FormatSearch = searchFormat(x, { rows: 2 });
  quantizeFp8(x, { mantissa: found.mantissa, exponent: found.exponent }, { max: found.max });
  // @ts-expect-error codes are of a storage format
  encode(x, format);
  // @ts-expect-error no such format
  quantizeFp8(x, 'e4m3');
  // @ts-expect-error bytes
  decode(new Int8Array(1), 'e4m3fn');
}

export async function reports(model: MLP, calibration: Calibration): Promise<void> {
  const options: ReportOptions = {
    calibration,
    data: { inputs: new Float32Array(0), labels: new Uint8Array(0) },
    quantize: { weights: 'per-tensor' },
    seed: 1,
  };
  const { html, data }: Report = await report(model, options);
  const [float]: ReportData['summary'] = data.summary;
  void [html, data.advice[0]?.text, float?.accuracy ?? 0];
  // @ts-expect-error ranges are needed
  void report(model, {});
  // @ts-expect-error only grids of int8
  void report(model, { calibration, quantize: { mode: 'dynamic' } });
  // @ts-expect-error plain data, not to be changed
  data.title = 'another';
}
