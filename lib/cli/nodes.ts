import { type Graph, isCodes, type Node, narrowBits, nodeBytes, type Value } from '../models/graph';
import { count, real, table } from './format';

export interface NodeReport {
  readonly name: string;
  readonly op: string;
  /** 'float32', or the weights' dtype and the mode. */
  readonly format: string;
  readonly inputs: readonly string[];
  /** [outFeatures, inFeatures] of a linear node, [features] of another. */
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly output: ValueReport;
}

export interface ValueReport {
  readonly name: string;
  readonly features: number;
  readonly dtype: string;
  readonly scale?: readonly number[];
  readonly zeroPoint?: number;
  readonly min?: number;
  readonly max?: number;
}

export function nodeReports(graph: Graph): NodeReport[] {
  return graph.nodes.map((node) => ({
    name: node.name,
    op: node.op,
    format: formatOf(node, graph),
    inputs: node.inputs,
    shape: shapeOf(node, graph),
    bytes: nodeBytes(node, graph),
    output: valueReport(graph, node.output),
  }));
}

export function valueReport(graph: Graph, name: string): ValueReport {
  const value = graph.values.get(name)!;
  const { features, dtype } = value;
  if (!isCodes(value)) return { name, features, dtype };
  const { scale, zeroPoint, min, max } = value;
  return {
    name,
    features,
    dtype,
    scale: [...scale],
    zeroPoint,
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
  };
}

/** 'uint8, scale 0.0123, zero point 128' or 'float32'. */
export function valueText({ dtype, scale, zeroPoint }: ValueReport): string {
  return scale === undefined ? dtype : `${dtype}, scale ${scaleText(scale)}, zero point ${zeroPoint}`;
}

export function nodeTable(nodes: readonly NodeReport[]): string {
  const header = ['name', 'op', 'format', 'shape', 'bytes', 'output', 'scale', 'zero point'];
  const lines = nodes.map(({ name, op, format, shape, bytes, output }) => [
    name,
    op,
    format,
    shape.join('×'),
    count(bytes),
    output.dtype,
    output.scale === undefined ? '' : scaleText(output.scale),
    output.zeroPoint === undefined ? '' : String(output.zeroPoint),
  ]);
  return table([header, ...lines], [4, 6, 7]);
}

function scaleText(scale: readonly number[]): string {
  if (scale.length === 1) return real(scale[0]!);
  const [low, high] = [Math.min, Math.max].map((pick) => scale.reduce((a, b) => pick(a, b)));
  return `${real(low!)}…${real(high!)} (one a feature)`;
}

function formatOf(node: Node, graph: Graph): string {
  const value: Value = graph.values.get(node.output)!;
  if (node.op !== 'linear') return value.dtype;
  const { mode, weight } = node;
  if (mode === 'float') return weight.format;
  if (weight.format === 'int4') return `int4/${weight.groupSize} ${mode}`;
  const bits = narrowBits(weight);
  return bits === undefined ? `${weight.format} ${mode}` : `${weight.format} (${bits} bits) ${mode}`;
}

function shapeOf(node: Node, graph: Graph): number[] {
  const features = (name: string): number => graph.values.get(name)!.features;
  return node.op === 'linear' ? [features(node.output), features(node.inputs[0]!)] : [features(node.output)];
}
