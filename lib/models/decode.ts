import { expected, RequantError } from '../errors';
import { parseStrictJson } from '../formats/strict-json';
import { type Attributes, elementwiseAttributes, isElementwiseOp } from '../layers/elementwise';
import { MAX_FEATURES } from '../layers/linear';
import { type LayerNormLayer, layerNorm } from '../layers/row-functions';
import { MAX_SCALE, MIN_SCALE } from '../quantization/affine';
import { GROUP_SIZES, groupCount, int4RowBytes, invalidInt4Byte, isGroupSize } from '../quantization/int4';
import { ROUNDINGS } from '../quantization/rounding';
import type { Tensor } from '../tensor';
import { checkGraph } from './check-graph';
import { FORMAT_VERSION } from './encode';
import { decodeFp8Grid, decodeFp8Weights } from './fp8-file';
import {
  codeRange,
  type Graph,
  type LinearMode,
  type LinearNode,
  type Node,
  PLAIN_OPS,
  type PlainNode,
  type RecordStep,
  type Value,
  type Weight,
} from './graph';
import { JsonReader } from './json-reader';
import { checkCount, checkTotalFeatures, MAX_JSON_LENGTH, MAX_NODES, MAX_VALUES } from './limits';
import { TensorReader } from './tensor-reader';

const MODES: readonly LinearMode[] = ['float', 'static', 'dynamic', 'weight-only', 'fp8'];
const SCALES = { min: MIN_SCALE, max: MAX_SCALE, range: 'scales in [2^-100, 2^126]' };
const FP8_WEIGHTS = ['e4m3fn', 'e5m2', 'fp8'];

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
  if (dtype === 'fp8') {
    const grid = [value.scale, value.zeroPoint, value.min, value.max];
    if (grid.some((r) => r.isPresent)) throw reader.fail('with a grid in fp8 alone where dtype is fp8');
    return { features, dtype, fp8: decodeFp8Grid(value.fp8, tensors) };
  }
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
  const scale = tensors.readBetween(value.scale, isInput ? [[1], [features]] : [[1]], SCALES);
  return {
    features,
    dtype,
    scale,
    zeroPoint: value.zeroPoint.integer(lo, hi),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
  };
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
    refuse(['mode', 'rounding', 'weight', 'bias', 'table']);
    return { ...base, op, ...decodeLayerNorm(node, values.get(base.output)!.features, tensors) };
  }
  refuse(['gamma', 'beta']);
  if (op === 'linear') {
    refuse(['table', 'attributes']);
    const [from, to] = [values.get(base.inputs[0] ?? ''), values.get(base.output)!];
    if (from === undefined) throw reader.fail('a linear node with an input');
    return { ...base, op, ...decodeLinear(node, [to.features, from.features], tensors) };
  }
  refuse(['weight', 'bias', 'mode', 'rounding']);
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
  node: Record<'mode' | 'rounding' | 'weight' | 'bias', JsonReader>,
  shape: [number, number],
  tensors: TensorReader,
) {
  const mode = node.mode.optional((r) => r.word(MODES)) ?? 'float';
  const rounding = node.rounding.optional((r) => r.word(ROUNDINGS));
  const { weight, grid } = decodeWeight(node.weight, shape, tensors);
  const bias = node.bias.optional((r) =>
    tensors.read(r, mode === 'static' ? 'int32' : 'float32', [[shape[0]]]),
  );
  return {
    mode,
    weight,
    ...(rounding && { rounding }),
    ...(bias && { bias }),
    ...(grid && { quantization: { scale: grid } }),
  } satisfies Partial<LinearNode>;
}

/** `grid`: the scale that a float weight carries for `quantize`. */
function decodeWeight(
  reader: JsonReader,
  shape: [number, number],
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
  // In the format, but for a later version of this package.
  if (weight.bits.isPresent || weight.sparse.isPresent)
    throw new RequantError(
      'ERR_UNSUPPORTED',
      `expected dense float32, int8, uint8, int4 or float8 weights but received ${JSON.stringify(reader.raw())}`,
    );
  if (FP8_WEIGHTS.includes(name)) return { weight: decodeFp8Weights(reader, weight, shape, tensors) };
  if (weight.fp8.isPresent) throw reader.fail(`${name} weights without 'fp8'`);
  const format = weight.format.word(['float32', 'int8', 'uint8', 'int4']);
  if (format === 'int4') return { weight: decodeInt4(reader, weight, shape, tensors) };
  if (weight.groupSize.isPresent) throw reader.fail(`${format} weights without groups`);
  const scale = weight.scale.optional((r) => tensors.readBetween(r, [[1], [shape[0]]], SCALES));
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
  return { weight: { format, data, scale, ...(zeroPoint && { zeroPoint }) } };
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
  const scales = [[outFeatures, groupCount(inFeatures, groupSize)]];
  const scale = tensors.readBetween(weight.scale, scales, SCALES);
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
    throw new RequantError('ERR_FORMAT', (cause as Error).message, { cause });
  }
}
