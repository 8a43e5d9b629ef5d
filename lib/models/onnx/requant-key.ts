import { expected } from '../../errors';
import { parseStrictJson } from '../../formats/strict-json';
import type { Attributes } from '../../layers/elementwise';
import type { LayerQuantization } from '../../layers/layer';
import { ROUNDINGS, type Rounding } from '../../quantization/rounding';
import { readWish, recordStep } from '../decode';
import {
  type Graph,
  type LinearMode,
  type NarrowBits,
  type Node,
  narrowBits,
  type RecordStep,
} from '../graph';
import { JsonReader } from '../json-reader';
import { checkCount, MAX_JSON_LENGTH, MAX_NODES } from '../limits';
import { wishWithoutScale } from '../wish';

/** The key of metadata_props that holds what the graph cannot show (docs/onnx.md). */
export const REQUANT_KEY = 'requant';
const VERSION = 1;
const MODES: readonly LinearMode[] = ['float', 'static', 'dynamic', 'weight-only'];
const CONVERSIONS = ['quantize', 'dequantize'] as const;

/** What ONNX leaves open about a model that was exported; with it an import gives the same bits. */
export interface RequantKey {
  readonly kind: Graph['kind'];
  /** Default of the static layers; there for quantized models. */
  readonly rounding?: Rounding;
  /** By the node's name, for those about which there is something to say. */
  readonly nodes: ReadonlyMap<string, NodeKey>;
  readonly record: readonly RecordStep[];
}

export interface NodeKey {
  /** A QuantizeLinear or DequantizeLinear that is a step of the model, and not the notation of its neighbour's grid. */
  readonly op?: (typeof CONVERSIONS)[number];
  readonly mode?: LinearMode;
  readonly rounding?: Rounding;
  /** In float64, where float32 is not the same number: activation tables are computed with them. */
  readonly attributes?: Attributes;
  /** Weight scales that a float layer keeps when it is quantized. */
  readonly scale?: Float32Array;
  /** What else it wishes for. */
  readonly quantization?: LayerQuantization;
  /** Bits of int8 weights, where they are fewer than 8. */
  readonly bits?: NarrowBits;
}

/** Errors: ERR_LIMIT. */
export function encodeRequantKey(graph: Graph): string {
  const nodes = graph.nodes.flatMap((node) => {
    const key = nodeKey(node, graph.kind);
    return Object.keys(key).length === 0 ? [] : [[node.name, key] as const];
  });
  const json = JSON.stringify({
    version: VERSION,
    kind: graph.kind,
    ...(graph.kind === 'quantized' && { rounding: graph.rounding }),
    ...(nodes.length > 0 && { nodes: Object.fromEntries(nodes) }),
    ...(graph.record.length > 0 && { record: graph.record }),
  });
  checkCount(`characters of metadata '${REQUANT_KEY}'`, json.length, MAX_JSON_LENGTH);
  return json;
}

function nodeKey(node: Node, kind: Graph['kind']): object {
  switch (node.op) {
    case 'quantize':
    case 'dequantize':
      return { op: node.op };
    case 'linear': {
      const { mode, rounding, quantization } = node;
      const bits = narrowBits(node.weight);
      const wish = wishWithoutScale(quantization);
      return {
        ...(kind === 'quantized' && mode !== 'static' && { mode }),
        ...(rounding && { rounding }),
        ...(bits !== undefined && { bits }),
        ...(wish && { quantization: wish }),
        ...(quantization?.scale && { scale: base64(quantization.scale) }),
      };
    }
    default: {
      const attributes = attributesOf(node);
      return isFloat32(attributes) ? {} : { attributes };
    }
  }
}

function attributesOf(node: Node): Attributes {
  if (node.op === 'layerNorm') return { epsilon: node.epsilon };
  return 'attributes' in node ? finite(node.attributes) : {};
}

/** JSON has no infinity; it is what a clip without that bound has anyway. */
function finite(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).filter(([, value]) => typeof value === 'string' || Number.isFinite(value)),
  );
}

function isFloat32(attributes: Attributes): boolean {
  return Object.values(attributes).every(
    (value) => typeof value === 'string' || Math.fround(value) === value,
  );
}

/** Little-endian float32: no decimal decides a bit. */
function base64(values: Float32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
}

/**
 * The key's text as it was encoded, checked. Names may be of nodes that are not there.
 *
 * Errors: ERR_FORMAT, ERR_VERSION, ERR_LIMIT.
 */
export function decodeRequantKey(text: string): RequantKey {
  const root = new JsonReader(
    parseStrictJson(text, { maxLength: MAX_JSON_LENGTH }),
    `metadata '${REQUANT_KEY}'`,
  );
  const version = root
    .entries()
    .find(([key]) => key === 'version')?.[1]
    .integer(1, Number.MAX_SAFE_INTEGER);
  if (version === undefined) throw root.fail('an object with a version');
  if (version > VERSION)
    throw expected('ERR_VERSION', `metadata '${REQUANT_KEY}' of version ${VERSION}; update requant`, version);
  const { kind, rounding, nodes, record } = root.object(['version', 'kind', 'rounding', 'nodes', 'record']);
  const entries = nodes.optional((reader) => reader.entries()) ?? [];
  checkCount('nodes', entries.length, MAX_NODES);
  return {
    kind: kind.word(['float', 'quantized']),
    ...present('rounding', rounding, (reader) => reader.word(ROUNDINGS)),
    nodes: new Map(entries.map(([name, reader]) => [name, decodeNodeKey(reader)])),
    record: record.optional((reader) => reader.array().map(recordStep)) ?? [],
  };
}

function decodeNodeKey(reader: JsonReader): NodeKey {
  const { op, mode, rounding, attributes, scale, quantization, bits } = reader.object([
    'op',
    'mode',
    'rounding',
    'attributes',
    'scale',
    'quantization',
    'bits',
  ]);
  return {
    ...present('op', op, (r) => r.word(CONVERSIONS)),
    ...present('mode', mode, (r) => r.word(MODES)),
    ...present('rounding', rounding, (r) => r.word(ROUNDINGS)),
    ...present('attributes', attributes, (r) =>
      Object.fromEntries(r.entries().map(([key, value]) => [key, value.number()])),
    ),
    ...present('scale', scale, decodeFloats),
    ...present('quantization', quantization, readWish),
    ...present('bits', bits, (r) => r.integer(2, 4) as NarrowBits),
  };
}

function decodeFloats(reader: JsonReader): Float32Array {
  const text = reader.string();
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text || bytes.length % 4 !== 0)
    throw reader.fail('float32 numbers in base64');
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** The member, where it is there. */
function present<K extends string, T>(
  key: K,
  reader: JsonReader,
  read: (reader: JsonReader) => T,
): { readonly [P in K]?: T } {
  const value = reader.optional(read);
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: T };
}
