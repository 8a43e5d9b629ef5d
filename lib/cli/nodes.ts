import { BLOCK_HEIGHT, zeroShare } from '../compression/pruning/units';
import { formatName } from '../fp8/format';
import { type Fp8Grid, formatOfGrid, gridDenominators, isFp8Weights } from '../fp8/grid';
import { type Graph, isCodes, type Node, narrowBits, nodeBytes, type Value } from '../models/graph';
import { count, real, table } from './format';

/** A share of zero blocks that is not there by chance: the column is shown. */
const WORTH_SHOWING = 0.1;

export interface NodeReport {
  readonly name: string;
  readonly op: string;
  /** 'float32', or the weights' dtype and the mode. */
  readonly format: string;
  readonly inputs: readonly string[];
  /** [outFeatures, inFeatures] of a linear node, [features] of another. */
  readonly shape: readonly number[];
  readonly bytes: number;
  /** Of a linear node with int8 or float32 weights: shares of its weights and of its 4×1 blocks that are 0. */
  readonly zeros?: { readonly weights: number; readonly blocks: number };
  readonly output: ValueReport;
}

export interface ValueReport {
  readonly name: string;
  readonly features: number;
  readonly dtype: string;
  /** Of float8: 'e4m3fn', '3m4e'; with the scale of a storage format or the largest number of another. */
  readonly fp8?: { readonly format: string; readonly scale?: number; readonly max?: number };
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
    ...zerosOf(node, graph),
    output: valueReport(graph, node.output),
  }));
}

function zerosOf(node: Node, graph: Graph): Pick<NodeReport, 'zeros'> {
  if (node.op !== 'linear' || (node.weight.format !== 'float32' && node.weight.format !== 'int8')) return {};
  const [outFeatures, inFeatures] = shapeOf(node, graph) as [number, number];
  const { data } = node.weight;
  const share = (height: number) => zeroShare({ height, outFeatures, inFeatures }, data);
  return { zeros: { weights: share(1), blocks: share(BLOCK_HEIGHT) } };
}

export function valueReport(graph: Graph, name: string): ValueReport {
  const value = graph.values.get(name)!;
  const { features, dtype } = value;
  if (value.dtype === 'fp8') return { name, features, dtype, fp8: fp8Report(value.fp8) };
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

function fp8Report(grid: Fp8Grid) {
  const denominator = gridDenominators(grid)[0]!;
  const format = formatName(formatOfGrid(grid));
  return grid.format === 'fp8' ? { format, max: denominator } : { format, scale: denominator };
}

/** 'uint8, scale 0.0123, zero point 128' or 'float32'. */
export function valueText({ dtype, scale, zeroPoint }: ValueReport): string {
  return scale === undefined ? dtype : `${dtype}, scale ${scaleText(scale)}, zero point ${zeroPoint}`;
}

export function nodeTable(nodes: readonly NodeReport[]): string {
  const isSparse = nodes.some(({ zeros }) => (zeros?.blocks ?? 0) >= WORTH_SHOWING);
  const header = ['name', 'op', 'format', 'shape', 'bytes', 'output', 'scale', 'zero point'];
  const lines = nodes.map(({ name, op, format, shape, bytes, output }) => [
    name,
    op,
    format,
    shape.join('×'),
    count(bytes),
    output.fp8?.format ?? output.dtype,
    gridText(output),
    output.zeroPoint === undefined ? '' : String(output.zeroPoint),
  ]);
  if (!isSparse) return table([header, ...lines], [4, 6, 7]);
  const blocks = nodes.map(({ zeros }) => (zeros ? `${Math.round(100 * zeros.blocks)} %` : ''));
  return table([[...header, 'zero blocks'], ...lines.map((line, i) => [...line, blocks[i]!])], [4, 6, 7, 8]);
}

/** '0.0123', or 'max 3.5' of a float8 format. */
function gridText({ fp8, scale }: ValueReport): string {
  if (fp8 !== undefined) return fp8.scale === undefined ? `max ${real(fp8.max!)}` : real(fp8.scale);
  return scale === undefined ? '' : scaleText(scale);
}

function scaleText(scale: readonly number[]): string {
  if (scale.length === 1) return real(scale[0]!);
  const [low, high] = [Math.min, Math.max].map((pick) => scale.reduce((a, b) => pick(a, b)));
  return `${real(low!)}…${real(high!)} (one a feature)`;
}

function formatOf(node: Node, graph: Graph): string {
  const value: Value = graph.values.get(node.output)!;
  if (value.dtype === 'fp8') return formatName(formatOfGrid(value.fp8));
  if (node.op !== 'linear') return value.dtype;
  const { mode, weight } = node;
  if (mode === 'float') return weight.format;
  if (isFp8Weights(weight)) return `${formatName(formatOfGrid(weight))} ${mode}`;
  if (weight.format === 'int4') return `int4/${weight.groupSize} ${mode}`;
  const bits = narrowBits(weight);
  return bits === undefined ? `${weight.format} ${mode}` : `${weight.format} (${bits} bits) ${mode}`;
}

function shapeOf(node: Node, graph: Graph): number[] {
  const features = (name: string): number => graph.values.get(name)!.features;
  return node.op === 'linear' ? [features(node.output), features(node.inputs[0]!)] : [features(node.output)];
}
