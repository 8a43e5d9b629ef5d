import { crypto } from '../builtins';
import { expected } from '../errors';
import { writeSafetensors } from '../formats/safetensors';
import type { LayerQuantization } from '../layers/layer';
import { groupCount, int4RowBytes } from '../quantization/int4';
import { type Tensor, tensor } from '../tensor';
import { version as packageVersion } from '../version';
import {
  type Graph,
  isCodes,
  type Node,
  narrowBits,
  type Value,
  type Weight,
  weightZeroPoint,
} from './graph';
import { checkCount, checkTotalFeatures, MAX_JSON_LENGTH, MAX_NODES, MAX_VALUES } from './limits';
import { wishWithoutScale } from './wish';

export const FORMAT_NAME = 'requant';
export const FORMAT_VERSION = 1;
/** Metadata keys that the file itself uses. */
export const RESERVED_METADATA = ['format', 'requant'];

/**
 * The model file of a graph: safetensors with one JSON document in its metadata. Same graph, same bytes.
 * Errors: ERR_ARGUMENT (metadata), ERR_LIMIT (more than a file may hold).
 */
export function encodeModel(graph: Graph, metadata: Readonly<Record<string, string>>): Uint8Array {
  for (const [key, value] of Object.entries(metadata)) {
    if (RESERVED_METADATA.includes(key))
      throw expected('ERR_ARGUMENT', `metadata without the keys ${RESERVED_METADATA}`, key);
    if (typeof value !== 'string') throw expected('ERR_ARGUMENT', `metadata '${key}' to be a string`, value);
  }
  checkCount('nodes', graph.nodes.length, MAX_NODES);
  checkCount('values', graph.values.size, MAX_VALUES);
  checkTotalFeatures(graph.values);
  const tensors = new TensorStore();
  const document = {
    version: FORMAT_VERSION,
    producer: `requant ${packageVersion()}`,
    kind: graph.kind,
    ...(graph.kind === 'quantized' && { rounding: graph.rounding }),
    input: graph.input,
    output: graph.output,
    values: Object.fromEntries(
      [...graph.values].map(([name, value]) => [name, encodeValue(name, value, tensors)]),
    ),
    nodes: graph.nodes.map((node) => encodeNode(node, graph, tensors)),
    record: graph.record,
    sha256: tensorsHash(tensors.byName),
  };
  const json = JSON.stringify(document);
  checkCount('characters of JSON', json.length, MAX_JSON_LENGTH);
  return writeSafetensors(tensors.byName, { ...metadata, format: FORMAT_NAME, requant: json });
}

/** sha256 over the bytes of all tensors in the order of their names. */
export function tensorsHash(tensors: ReadonlyMap<string, Tensor>): string {
  const hash = crypto().createHash('sha256');
  for (const [, { data }] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

class TensorStore {
  readonly byName = new Map<string, Tensor>();

  /** Stores under the wished name, or one like it that is free: names of nodes and values are the user's. */
  add(wish: string, value: Tensor): string {
    let name = wish;
    for (let i = 2; this.byName.has(name) || name === '__metadata__'; i++) name = `${wish}#${i}`;
    this.byName.set(name, value);
    return name;
  }
}

function encodeValue(name: string, value: Value, tensors: TensorStore): object {
  if (!isCodes(value)) return { features: value.features, dtype: value.dtype };
  const { features, dtype, scale, zeroPoint, min, max } = value;
  return { features, dtype, scale: tensors.add(`${name}.value_scale`, tensor(scale)), zeroPoint, min, max };
}

function encodeNode(node: Node, graph: Graph, tensors: TensorStore): object {
  const { name, op, inputs, output } = node;
  const common = { name, op, inputs, output };
  if (node.op === 'linear') {
    const shape = [graph.values.get(output)!.features, graph.values.get(inputs[0]!)!.features];
    return {
      ...common,
      mode: node.mode,
      rounding: node.rounding,
      weight: encodeWeight(node.weight, `${name}.weight`, shape, node.quantization, tensors),
      bias: node.bias && tensors.add(`${name}.bias`, tensor(node.bias)),
      quantization: wishWithoutScale(node.quantization),
    };
  }
  if (node.op === 'layerNorm') {
    const { gamma, beta, epsilon } = node;
    return {
      ...common,
      gamma: gamma && tensors.add(`${name}.weight`, tensor(gamma)),
      beta: beta && tensors.add(`${name}.bias`, tensor(beta)),
      attributes: { epsilon },
    };
  }
  if (!('attributes' in node)) return common;
  const finite = Object.entries(node.attributes).filter(
    ([, value]) => typeof value === 'string' || Number.isFinite(value),
  );
  return {
    ...common,
    table: node.table && tensors.add(`${name}.table`, tensor(node.table)),
    attributes: finite.length > 0 ? Object.fromEntries(finite) : undefined,
  };
}

function encodeWeight(
  weight: Weight,
  name: string,
  shape: number[],
  wish: LayerQuantization | undefined,
  tensors: TensorStore,
): object {
  const zeroPoint = weightZeroPoint(weight);
  const [outFeatures, inFeatures] = shape as [number, number];
  if (weight.format === 'int4') {
    const { data, scale, groupSize } = weight;
    const groups = groupCount(inFeatures, groupSize);
    return {
      tensor: tensors.add(name, tensor(data, [outFeatures, int4RowBytes(inFeatures)])),
      format: weight.format,
      scale: tensors.add(`${name}_scale`, tensor(scale, [outFeatures, groups])),
      groupSize,
    };
  }
  const scale = weight.format === 'float32' ? wish?.scale : weight.scale;
  const scaleShape = wish?.format === 'int4' && scale ? [outFeatures, scale.length / outFeatures] : undefined;
  return {
    tensor: tensors.add(name, tensor(weight.data, shape)),
    format: weight.format,
    bits: narrowBits(weight),
    scale: scale && tensors.add(`${name}_scale`, tensor(scale, scaleShape)),
    zeroPoint: zeroPoint && tensors.add(`${name}_zero_point`, tensor(zeroPoint)),
  };
}
