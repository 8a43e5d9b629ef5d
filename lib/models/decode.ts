import { expected, RequantError } from '../errors';
import { parseStrictJson } from '../formats/strict-json';
import { type Attributes, elementwiseAttributes, isElementwiseOp } from '../layers/elementwise';
import type { LayerQuantization } from '../layers/layer';
import { MAX_FEATURES } from '../layers/linear';
import { type LayerNormLayer, layerNorm } from '../layers/row-functions';
import { MAX_SCALE, MIN_SCALE } from '../quantization/affine';
import { maxWeightCode } from '../quantization/bits';
import { findOutside } from '../quantization/float32';
import {
  DEFAULT_GROUP_SIZE,
  GROUP_SIZES,
  groupCount,
  int4RowBytes,
  invalidInt4Byte,
  isGroupSize,
} from '../quantization/int4';
import { ROUNDINGS } from '../quantization/rounding';
import type { DType, Tensor, TensorData } from '../tensor';
import { checkGraph } from './check-graph';
import { FORMAT_VERSION } from './encode';
import {
  codeRange,
  type Graph,
  type LinearMode,
  type LinearNode,
  type NarrowBits,
  type Node,
  PLAIN_OPS,
  type PlainNode,
  type RecordStep,
  type Value,
  type Weight,
} from './graph';
import { JsonReader } from './json-reader';
import { checkCount, checkTotalFeatures, MAX_JSON_LENGTH, MAX_NODES, MAX_VALUES } from './limits';
import { checkedWish, WISH_KEYS } from './wish';

const MODES: readonly LinearMode[] = ['float', 'static', 'dynamic', 'weight-only'];
/** In the format, but for a later version of this package. */
const FUTURE_WEIGHTS = ['e4m3fn', 'e5m2', 'fp8'];

/**
 * The graph in a model file: its JSON document and its tensors. Everything is checked, so that a graph that comes out
 * can be compiled. Errors: ERR_FORMAT, ERR_VERSION, ERR_LIMIT, ERR_UNSUPPORTED.
 */
export function decodeModel(
  json: string,
  tensors: ReadonlyMap<string, Tensor>,
): { graph: Graph; sha256: string | undefined } {
  const root = new JsonReader(parseStrictJson(json, { maxLength: MAX_JSON_LENGTH }), 'model');
  checkVersion(root);
  const document = root.object([
    'version',
    'producer',
    'kind',
    'rounding',
    'input',
    'output',
    'values',
    'nodes',
    'record',
    'sha256',
  ]);
  document.producer.string();
  const store = new TensorReader(tensors);
  const kind = document.kind.word(['float', 'quantized']);
  const input = document.input.string();
  const nodeReaders = document.nodes.array();
  const valueReaders = document.values.entries();
  checkCount('nodes', nodeReaders.length, MAX_NODES);
  checkCount('values', valueReaders.length, MAX_VALUES);
  const values = new Map(
    valueReaders.map(([name, reader]) => [name, decodeValue(reader, name === input, store)]),
  );
  checkTotalFeatures(values);
  const graph: Graph = {
    kind,
    rounding: document.rounding.optional((r) => r.word(ROUNDINGS)) ?? 'half-up',
    input,
    output: document.output.string(),
    values,
    nodes: nodeReaders.map((reader) => decodeNode(reader, values, store)),
    record: document.record.optional((r) => r.array().map(recordStep)) ?? [],
  };
  store.checkAllUsed();
  checkGraph(graph);
  return { graph, sha256: document.sha256.optional((r) => r.string()) };
}

function checkVersion(root: JsonReader): void {
  const version = root
    .entries()
    .find(([key]) => key === 'version')?.[1]
    .integer(1, Number.MAX_SAFE_INTEGER);
  if (version === undefined) throw root.fail('an object with a version');
  if (version > FORMAT_VERSION) {
    throw expected(
      'ERR_VERSION',
      `a model file of version ${FORMAT_VERSION} or lower; update requant`,
      version,
    );
  }
}

/** A step of what made the model; what it holds besides is anybody's. Errors: ERR_FORMAT. */
export function recordStep(reader: JsonReader): RecordStep {
  const step = reader.entries().find(([key]) => key === 'step');
  if (step === undefined) throw reader.fail("an object with a 'step'");
  step[1].string();
  return reader.raw() as unknown as RecordStep;
}

function decodeValue(reader: JsonReader, isInput: boolean, tensors: TensorReader): Value {
  const value = reader.object(['features', 'dtype', 'scale', 'zeroPoint', 'min', 'max', 'fp8']);
  const features = value.features.integer(1, MAX_FEATURES);
  const dtype = value.dtype.word(['float32', 'int8', 'uint8', 'fp8']);
  if (dtype === 'fp8')
    throw new RequantError(
      'ERR_UNSUPPORTED',
      'expected values of float32, int8 or uint8 but received fp8, which this version cannot run',
    );
  if (dtype === 'float32') {
    const grid = [value.scale, value.zeroPoint, value.min, value.max, value.fp8];
    if (grid.some((r) => r.isPresent)) throw reader.fail('without a grid where dtype is float32');
    return { features, dtype };
  }
  if (value.fp8.isPresent) throw reader.fail(`without fp8 where dtype is ${dtype}`);
  const { lo, hi } = codeRange(dtype);
  const bound = (r: JsonReader) => r.integer(lo, hi);
  const min = value.min.optional(bound);
  const max = value.max.optional(bound);
  if ((min ?? lo) > (max ?? hi)) throw reader.fail('a value with min ≤ max');
  const scale = tensors.read(value.scale, 'float32', isInput ? [[1], [features]] : [[1]]);
  checkScales(value.scale, scale);
  return {
    features,
    dtype,
    scale,
    zeroPoint: value.zeroPoint.integer(lo, hi),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
  };
}

function checkScales(reader: JsonReader, scales: Float32Array): void {
  const invalid = findOutside(scales, MIN_SCALE, MAX_SCALE);
  if (invalid !== undefined)
    throw expected('ERR_FORMAT', `tensor '${reader.string()}' to hold scales in [2^-100, 2^126]`, invalid);
}

function decodeNode(reader: JsonReader, values: ReadonlyMap<string, Value>, tensors: TensorReader): Node {
  const node = reader.object([
    'name',
    'op',
    'inputs',
    'output',
    'mode',
    'rounding',
    'weight',
    'bias',
    'gamma',
    'beta',
    'table',
    'attributes',
    'quantization',
  ]);
  const op = node.op.string();
  const base = {
    name: node.name.string(),
    inputs: node.inputs.array().map((r) => r.string()),
    output: node.output.string(),
  };
  for (const name of [...base.inputs, base.output]) {
    if (!values.has(name))
      throw expected('ERR_FORMAT', `node '${base.name}' to name values of the model`, name);
  }
  const refuse = (keys: (keyof typeof node)[]) => {
    const extra = keys.find((key) => node[key].isPresent);
    if (extra !== undefined) throw reader.fail(`a ${op} node without '${extra}'`);
  };
  if (op === 'layerNorm') {
    refuse(['mode', 'rounding', 'weight', 'bias', 'table', 'quantization']);
    return { ...base, op, ...decodeLayerNorm(node, values.get(base.output)!.features, tensors) };
  }
  refuse(['gamma', 'beta']);
  if (op === 'linear') {
    refuse(['table', 'attributes']);
    const [from, to] = [values.get(base.inputs[0] ?? ''), values.get(base.output)!];
    if (from === undefined) throw reader.fail('a linear node with an input');
    return { ...base, op, ...decodeLinear(base.name, node, [to.features, from.features], tensors) };
  }
  refuse(['weight', 'bias', 'mode', 'rounding', 'quantization']);
  if (isElementwiseOp(op)) {
    const table = node.table.optional((r) => tensors.readCodes(r, [256]));
    return { ...base, op, attributes: decodeAttributes(node.attributes, op), ...(table && { table }) };
  }
  refuse(['table', 'attributes']);
  if (!PLAIN_OPS.includes(op as PlainNode['op'])) throw node.op.fail('a known operator');
  return { ...base, op: op as PlainNode['op'] };
}

/** The layer's own checks serve the file too. */
function decodeLayerNorm(
  node: Record<'gamma' | 'beta' | 'attributes', JsonReader>,
  features: number,
  tensors: TensorReader,
) {
  const attributes = node.attributes.optional((r) => r.object(['epsilon']));
  const epsilon = attributes?.epsilon.optional((r) => r.number());
  const read = (r: JsonReader) => tensors.read(r, 'float32', [[features]]);
  const gamma = node.gamma.optional(read);
  const beta = node.beta.optional(read);
  const layer = asFormatError(() =>
    layerNorm({
      features,
      ...(epsilon !== undefined && { epsilon }),
      ...(gamma && { weight: gamma }),
      ...(beta && { bias: beta }),
    }),
  ) as LayerNormLayer;
  return { epsilon: layer.epsilon, ...(gamma && { gamma }), ...(beta && { beta }) };
}

function decodeLinear(
  name: string,
  node: Record<'mode' | 'rounding' | 'weight' | 'bias' | 'quantization', JsonReader>,
  shape: [number, number],
  tensors: TensorReader,
) {
  const mode = node.mode.optional((r) => r.word(MODES)) ?? 'float';
  const rounding = node.rounding.optional((r) => r.word(ROUNDINGS));
  const wish = node.quantization.optional(readWish);
  const { weight, grid } = decodeWeight(node.weight, shape, wish, tensors);
  const quantization = { ...wish, ...(grid && { scale: grid }) };
  if (wish && mode !== 'float') throw node.quantization.fail('of a float node alone');
  const bias = node.bias.optional((r) =>
    tensors.read(r, mode === 'static' ? 'int32' : 'float32', [[shape[0]]]),
  );
  return {
    mode,
    weight,
    ...(rounding && { rounding }),
    ...(bias && { bias }),
    ...((grid || wish) && { quantization: ownWish(name, quantization, shape) }),
  } satisfies Partial<LinearNode>;
}

/** What a layer wishes for, as the text that it is: `ownWish` judges it. Errors: ERR_FORMAT. */
export function readWish(reader: JsonReader): LayerQuantization {
  reader.object(WISH_KEYS.filter((key) => key !== 'scale'));
  return reader.raw() as LayerQuantization;
}

/** Errors: ERR_UNSUPPORTED (formats of later versions), ERR_FORMAT. */
function ownWish(name: string, wish: LayerQuantization, [out, inside]: [number, number]): LayerQuantization {
  return asFormatError(() => checkedWish(name, wish, out, inside));
}

/** `grid`: the scale that a float weight carries for `quantize`. */
function decodeWeight(
  reader: JsonReader,
  shape: [number, number],
  wish: LayerQuantization | undefined,
  tensors: TensorReader,
): { weight: Weight; grid?: Float32Array } {
  const weight = reader.object([
    'tensor',
    'format',
    'bits',
    'scale',
    'zeroPoint',
    'groupSize',
    'fp8',
    'sparse',
  ]);
  const name = weight.format.string();
  const future = FUTURE_WEIGHTS.includes(name) || weight.fp8.isPresent || weight.sparse.isPresent;
  if (future)
    throw new RequantError(
      'ERR_UNSUPPORTED',
      `expected dense float32, int8, uint8 or int4 weights but received ${JSON.stringify(reader.raw())}`,
    );
  const format = weight.format.word(['float32', 'int8', 'uint8', 'int4']);
  if (weight.bits.isPresent && format !== 'int8') throw reader.fail(`${format} weights without bits`);
  if (format === 'int4') return { weight: decodeInt4(reader, weight, shape, tensors) };
  if (weight.groupSize.isPresent) throw reader.fail(`${format} weights without groups`);
  const scale = weight.scale.optional((r) => {
    const scales = tensors.read(r, 'float32', scaleShapes(shape, wish));
    checkScales(r, scales);
    return scales;
  });
  if (format === 'float32') {
    if (weight.zeroPoint.isPresent) throw reader.fail('float32 weights without a zero point');
    return {
      weight: { format, data: tensors.read(weight.tensor, 'float32', [shape]) },
      ...(scale && { grid: scale }),
    };
  }
  if (scale === undefined) throw reader.fail('integer weights with a scale');
  const { lo, hi } = codeRange(format);
  const zeroPoint = weight.zeroPoint.optional((r) => tensors.read(r, 'int32', [[1], [shape[0]]]));
  if (zeroPoint?.some((z) => z < lo || z > hi))
    throw weight.zeroPoint.fail(`a tensor of values in [${lo}, ${hi}]`);
  const data = tensors.read(weight.tensor, format, [shape]);
  const bits = weight.bits.optional((r) => decodeBits(r, data));
  return {
    weight: { format, data, scale, ...(zeroPoint && { zeroPoint }), ...(bits !== undefined && { bits }) },
  };
}

function scaleShapes([out, inside]: [number, number], wish: LayerQuantization | undefined): number[][] {
  if (wish?.format !== 'int4') return [[1], [out]];
  const { groupSize } = wish;
  return isGroupSize(groupSize ?? DEFAULT_GROUP_SIZE)
    ? [[out, groupCount(inside, groupSize ?? DEFAULT_GROUP_SIZE)]]
    : [];
}

/** Bits of codes that are narrower than their bytes. */
function decodeBits(reader: JsonReader, codes: Uint8Array | Int8Array): NarrowBits {
  const bits = reader.integer(2, 4) as NarrowBits;
  const max = maxWeightCode(bits);
  const outside = codes.find((code) => code > max || code < -max);
  if (outside !== undefined)
    throw expected('ERR_FORMAT', `weights of ${bits} bits in [${-max}, ${max}]`, outside);
  return bits;
}

function decodeInt4(
  reader: JsonReader,
  weight: Record<'tensor' | 'scale' | 'zeroPoint' | 'groupSize', JsonReader>,
  [outFeatures, inFeatures]: [number, number],
  tensors: TensorReader,
): Weight {
  if (weight.zeroPoint.isPresent) throw reader.fail('int4 weights without a zero point');
  const groupSize = weight.groupSize.integer(1, MAX_FEATURES);
  if (!isGroupSize(groupSize)) throw weight.groupSize.fail(`one of ${GROUP_SIZES}`);
  const scale = tensors.read(weight.scale, 'float32', [[outFeatures, groupCount(inFeatures, groupSize)]]);
  checkScales(weight.scale, scale);
  const data = tensors.read(weight.tensor, 'uint8', [[outFeatures, int4RowBytes(inFeatures)]]);
  const invalid = invalidInt4Byte(data, inFeatures);
  if (invalid !== undefined)
    throw expected(
      'ERR_FORMAT',
      `tensor '${weight.tensor.string()}' to hold nibbles in [-7, 7], and 0 behind an odd row`,
      `0x${data[invalid]!.toString(16)} in byte ${invalid}`,
    );
  return { format: 'int4', data, scale, groupSize };
}

function decodeAttributes(reader: JsonReader, op: Parameters<typeof elementwiseAttributes>[0]): Attributes {
  const entries = reader.optional((r) => r.entries()) ?? [];
  const attributes = entries.map(
    ([key, r]) => [key, typeof r.raw() === 'string' ? r.string() : r.number()] as const,
  );
  return asFormatError(() => elementwiseAttributes(op, Object.fromEntries(attributes)));
}

/** What a layer's own checks refuse is the file's fault. */
function asFormatError<T>(check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (cause instanceof RequantError && cause.code === 'ERR_UNSUPPORTED') throw cause;
    throw new RequantError('ERR_FORMAT', (cause as Error).message, { cause });
  }
}

/** Tensors by name, each to be used. */
class TensorReader {
  private readonly used = new Set<string>();

  constructor(private readonly tensors: ReadonlyMap<string, Tensor>) {}

  read<D extends DType>(reader: JsonReader, dtype: D, shapes: readonly (readonly number[])[]): TensorData[D] {
    const found = this.find(reader, shapes);
    if (found.dtype !== dtype)
      throw expected('ERR_FORMAT', `tensor '${reader.string()}' to be ${dtype}`, found.dtype);
    return found.data as TensorData[D];
  }

  readCodes(reader: JsonReader, shape: readonly number[]): Uint8Array | Int8Array {
    const { data } = this.find(reader, [shape]);
    if (data instanceof Uint8Array || data instanceof Int8Array) return data;
    throw expected('ERR_FORMAT', `tensor '${reader.string()}' to be uint8 or int8`, data);
  }

  checkAllUsed(): void {
    const unused = [...this.tensors.keys()].find((name) => !this.used.has(name));
    if (unused !== undefined) throw expected('ERR_FORMAT', 'every tensor to be used by the model', unused);
  }

  private find(reader: JsonReader, shapes: readonly (readonly number[])[]): Tensor {
    const name = reader.string();
    const found = this.tensors.get(name);
    if (found === undefined) throw reader.fail('the name of a tensor of the file');
    this.used.add(name);
    if (!shapes.some((shape) => sameShape(shape, found.shape))) {
      throw expected(
        'ERR_FORMAT',
        `tensor '${name}' of shape ${shapes.map((s) => `[${s}]`).join(' or ')}`,
        `[${found.shape}]`,
      );
    }
    return found;
  }
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}
