import { fromBinary } from '@bufbuild/protobuf';
import { describe, expected, RequantError } from '../../errors';
import { decodeTensor, elementTypeName, externalRange } from './decode-tensor';
import { MAX_ONNX_BYTES } from './encode';
import type { ExternalData } from './external-data';
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValueInfo } from './model';
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type StringStringEntryProto,
  type TensorProto,
  type ValueInfoProto,
} from './onnx_pb';
import { scan } from './scan';

/** Graphs inside of each other (If, Loop), with what stands between them. */
const MAX_DEPTH = 40;

type Files = ReadonlyMap<string, Uint8Array>;

/**
 * A model from the bytes of a .onnx file. Large tensors are views of `bytes` where alignment permits. `externalData`
 * reads the files of tensors that lie elsewhere; each is asked for once.
 *
 * Errors: ERR_FORMAT (no ONNX model; values that are written twice, never, or too late), ERR_UNSUPPORTED (element types),
 * ERR_LIMIT, ERR_MEMORY, ERR_ARGUMENT (external tensors, and nothing to read them with), and those of `externalData`.
 */
export async function decodeModel(bytes: Uint8Array, externalData?: ExternalData): Promise<OnnxModel> {
  const model = parse(bytes);
  const { graph } = model;
  if (graph === undefined) throw expected('ERR_FORMAT', 'an ONNX model', 'no graph');
  const files = await loadFiles(graph, externalData);
  return {
    producer: [model.producerName, model.producerVersion].filter((text) => text !== '').join(' '),
    opsets: decodeOpsets(model),
    metadata: decodeMetadata(model.metadataProps),
    graph: decodeGraph(graph, files),
  };
}

function parse(bytes: Uint8Array): ModelProto {
  if (bytes.length > MAX_ONNX_BYTES)
    throw expected('ERR_LIMIT', `a file of at most ${MAX_ONNX_BYTES} bytes`, bytes.length);
  try {
    scan(ModelProtoSchema, bytes);
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false, recursionLimit: MAX_DEPTH });
  } catch (cause) {
    if (cause instanceof RequantError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RequantError('ERR_FORMAT', `expected an ONNX model but received other bytes: ${reason}`, {
      cause,
    });
  }
}

async function loadFiles(graph: GraphProto, externalData: ExternalData | undefined): Promise<Files> {
  const files = new Map<string, Uint8Array>();
  for (const tensor of tensorsOf(graph)) {
    const range = externalRange(tensor);
    if (range === undefined || files.has(range.location)) continue;
    if (externalData === undefined)
      throw expected(
        'ERR_ARGUMENT',
        `externalData for tensor ${describe(tensor.name)}, which lies in '${range.location}',`,
        undefined,
      );
    const file: unknown = await externalData(range.location);
    if (!(file instanceof Uint8Array))
      throw expected('ERR_ARGUMENT', 'externalData to give a Uint8Array', file);
    files.set(range.location, file);
  }
  return files;
}

function* tensorsOf({ initializer, node }: GraphProto): Iterable<TensorProto> {
  yield* initializer;
  for (const { attribute } of node) {
    for (const { type, t } of attribute) if (type === AttributeType.TENSOR && t !== undefined) yield t;
  }
}

/** ONNX's own operators have two names for their domain. */
const domainOf = (domain: string) => (domain === 'ai.onnx' ? '' : domain);

function decodeOpsets({ opsetImport }: ModelProto): ReadonlyMap<string, number> {
  const opsets = new Map<string, number>();
  for (const { domain, version } of opsetImport) {
    const name = domainOf(domain);
    if (version < 1n || version > 2n ** 31n)
      throw expected('ERR_FORMAT', `a version of domain ${describe(name)}`, version);
    if (opsets.has(name)) throw expected('ERR_FORMAT', 'one version a domain', name);
    opsets.set(name, Number(version));
  }
  return opsets;
}

function decodeMetadata(entries: readonly StringStringEntryProto[]): Readonly<Record<string, string>> {
  const metadata = Object.create(null) as Record<string, string>;
  for (const { key, value } of entries) {
    if (key in metadata) throw expected('ERR_FORMAT', 'metadata of unique keys', key);
    metadata[key] = value;
  }
  return metadata;
}

function decodeGraph(graph: GraphProto, files: Files): OnnxGraph {
  const initializers = new Map<string, OnnxTensor>();
  for (const proto of graph.initializer) {
    if (initializers.has(proto.name)) throw writtenTwice(proto.name);
    initializers.set(proto.name, decodeTensor(proto, files));
  }
  const inputs = graph.input.map(decodeValueInfo).filter(({ name }) => !initializers.has(name));
  const outputs = graph.output.map(decodeValueInfo);
  const values = graph.valueInfo.map(decodeValueInfo);
  const decoded = {
    name: graph.name,
    inputs,
    outputs,
    values: new Map(values.map((info) => [info.name, info])),
    initializers,
    nodes: graph.node.map((node) => decodeNode(node, files)),
  };
  checkOrder(decoded);
  return decoded;
}

/** Each value is written once, and before it is read. */
function checkOrder({ inputs, outputs, initializers, nodes }: OnnxGraph): void {
  const written = new Set(initializers.keys());
  const write = (name: string) => {
    if (written.has(name)) throw writtenTwice(name);
    written.add(name);
  };
  const read = (name: string, reader: string) => {
    if (!written.has(name))
      throw new RequantError(
        'ERR_FORMAT',
        `expected ${describe(name)} to be written before ${reader} reads it but received it later or never`,
      );
  };
  for (const { name } of inputs) write(name);
  for (const node of nodes) {
    for (const name of node.inputs) if (name !== '') read(name, describe(node.name || node.opType));
    for (const name of node.outputs) if (name !== '') write(name);
  }
  for (const { name } of outputs) read(name, 'the output');
}

function writtenTwice(name: string) {
  return expected('ERR_FORMAT', 'values that are written once', name);
}

function decodeNode({ name, opType, domain, input, output, attribute }: NodeProto, files: Files): OnnxNode {
  const attributes = new Map<string, OnnxAttribute>();
  for (const proto of attribute) {
    if (attributes.has(proto.name))
      throw expected('ERR_FORMAT', `attributes of unique names in ${describe(name || opType)}`, proto.name);
    attributes.set(proto.name, decodeAttribute(proto, files));
  }
  return { name, opType, domain: domainOf(domain), inputs: input, outputs: output, attributes };
}

function decodeAttribute(proto: AttributeProto, files: Files): OnnxAttribute {
  switch (proto.type) {
    case AttributeType.FLOAT:
      return { type: 'float', value: proto.f };
    case AttributeType.INT:
      return { type: 'int', value: Number(proto.i) };
    case AttributeType.STRING:
      return { type: 'string', value: text(proto.s) };
    case AttributeType.FLOATS:
      return { type: 'floats', value: proto.floats };
    case AttributeType.INTS:
      return { type: 'ints', value: proto.ints.map(Number) };
    case AttributeType.STRINGS:
      return { type: 'strings', value: proto.strings.map(text) };
    case AttributeType.TENSOR:
      if (proto.t === undefined)
        throw expected('ERR_FORMAT', `a tensor in attribute ${describe(proto.name)}`, 'none');
      return { type: 'tensor', value: decodeTensor(proto.t, files) };
    default:
      return { type: 'other', value: (AttributeType[proto.type] ?? `type ${proto.type}`).toLowerCase() };
  }
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function decodeValueInfo({ name, type }: ValueInfoProto): OnnxValueInfo {
  if (type?.value.case !== 'tensorType') return { name };
  const { elemType, shape } = type.value.value;
  const elementType = elementTypeName(elemType);
  if (shape === undefined) return { name, type: { elementType } };
  const sizes = shape.dim.map(({ value }) => {
    // -1 is how some exporters spell a size that is the caller's choice.
    if (value.case === 'dimValue') return value.value < 0n ? undefined : Number(value.value);
    return value.case === 'dimParam' && value.value !== '' ? value.value : undefined;
  });
  return { name, type: { elementType, shape: sizes } };
}
