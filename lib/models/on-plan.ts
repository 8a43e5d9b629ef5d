import { allocateBytes } from '../formats/sizes';
import type { Plan } from '../runtime/plan';
import { valueNames } from './compile';
import {
  type Graph,
  isCodes,
  type LayerNormNode,
  type LinearNode,
  type Node,
  type Value,
  type Weight,
} from './graph';

/**
 * A compiled graph without its int8 weights: those of the plan are the only ones, and `weight.data` is unpacked from
 * there whenever it is asked for (`save` does). What else is a view of a file is copied, so that the file can go.
 */
export function onPlan(graph: Graph, plan: Plan): Graph {
  const ids = new Map(valueNames(graph).map((name, id) => [name, id]));
  const features = (name: string) => graph.values.get(name)!.features;
  return {
    ...graph,
    values: new Map([...graph.values].map(([name, value]) => [name, ownValue(value)])),
    nodes: graph.nodes.map((node) => {
      if (node.op === 'layerNorm') return ownNorm(node);
      if (node.op !== 'linear') return ownTable(node);
      const length = features(node.output) * features(node.inputs[0]!);
      return ownLinear(node, (array) => plan.unpackWeights(ids.get(node.output)!, array), length);
    }),
  };
}

/** The array itself, or a copy of it where it is a part of something larger. */
function own<T extends Float32Array | Int32Array | Int8Array | Uint8Array>(array: T): T {
  return array.byteLength === array.buffer.byteLength ? array : (array.slice() as T);
}

function ownValue(value: Value): Value {
  return isCodes(value) ? { ...value, scale: own(value.scale) } : value;
}

function ownNorm(node: LayerNormNode): LayerNormNode {
  const { gamma, beta } = node;
  return { ...node, ...(gamma && { gamma: own(gamma) }), ...(beta && { beta: own(beta) }) };
}

function ownTable(node: Node): Node {
  return 'table' in node && node.table ? { ...node, table: own(node.table) } : node;
}

type Unpack = (out: Int8Array | Uint8Array) => Int8Array | Uint8Array;

function ownLinear(node: LinearNode, unpack: Unpack, length: number): LinearNode {
  const { bias, quantization, weight } = node;
  const grid = quantization?.scale;
  // Those of other layers stay here: weight-only ones are packed for float32, int4 in pairs of columns.
  const isPacked = node.mode === 'static' || node.mode === 'dynamic';
  return {
    ...node,
    ...(bias && { bias: own(bias) }),
    ...(grid && { quantization: { ...quantization, scale: own(grid) } }),
    weight: isPacked && isBytes(weight) ? packedWeight(weight, unpack, length) : ownWeight(weight),
  };
}

type ByteWeight = Extract<Weight, { format: 'int8' | 'uint8' }>;

function isBytes(weight: Weight): weight is ByteWeight {
  return weight.format === 'int8' || weight.format === 'uint8';
}

function ownWeight(weight: Weight): Weight {
  if (weight.format === 'float32') return { ...weight, data: own(weight.data) };
  if (weight.format === 'int4') return { ...weight, data: own(weight.data), scale: own(weight.scale) };
  return { ...weight, data: own(weight.data), ...ownGrid(weight) };
}

function packedWeight(weight: ByteWeight, unpack: Unpack, length: number): Weight {
  const { format } = weight;
  // Weak: a reader that asks again in the same job gets the same array, and nobody pays for it afterwards.
  let unpacked: WeakRef<ByteWeight['data']> | undefined;
  return {
    format,
    get data() {
      const present = unpacked?.deref();
      if (present !== undefined) return present;
      const data = unpack(
        format === 'int8' ? new Int8Array(allocateBytes(length).buffer) : allocateBytes(length),
      );
      unpacked = new WeakRef(data);
      return data;
    },
    ...ownGrid(weight),
  };
}

function ownGrid({ scale, zeroPoint, bits }: ByteWeight) {
  return {
    scale: own(scale),
    ...(zeroPoint && { zeroPoint: own(zeroPoint) }),
    ...(bits !== undefined && { bits }),
  };
}
