import { codeBounds, type Graph, isCodes, type LinearNode } from '../models/graph';
import type { IntegerGrid, RoundedGrid } from '../quantization/grid-error';
import { e4m3Grid, scaledLevels } from './float8';
import type { ReportFormat, ReportGrid } from './types';

/** The grids of a layer in a quantized model: to measure with (one, or one a row of the weights), and to draw. */
export interface TensorGrids {
  readonly error: readonly (IntegerGrid | RoundedGrid)[];
  readonly drawn: readonly ReportGrid[];
}

export interface LayerGrids {
  readonly weights: TensorGrids;
  readonly activations: TensorGrids;
}

/** Of a static layer; undefined where it is none, as a layer that stays float32. */
export function layerGrids(graph: Graph, node: LinearNode, format: ReportFormat): LayerGrids | undefined {
  return format === 'int8' ? integerGrids(graph, node) : float8Grids(graph, node);
}

function integerGrids(graph: Graph, { inputs, weight }: LinearNode): LayerGrids | undefined {
  const input = graph.values.get(inputs[0]!)!;
  if (!isCodes(input) || input.scale.length !== 1 || weight.format !== 'int8') return undefined;
  const { min, max } = codeBounds(input);
  const scale = input.scale[0]!;
  const largest = 2 ** ((weight.bits ?? 8) - 1) - 1;
  const drawn = (label: string, s: number): ReportGrid => integerGrid(label, s, 0, -largest, largest);
  return {
    activations: {
      error: [{ scale, zeroPoint: input.zeroPoint, min, max }],
      drawn: [integerGrid('int8', scale, input.zeroPoint, min, max)],
    },
    weights: {
      error: [{ scale: weight.scale, min: -largest, max: largest }],
      drawn: ofFeatures(weight.scale, 'int8', drawn),
    },
  };
}

function float8Grids(graph: Graph, { inputs, weight }: LinearNode): LayerGrids | undefined {
  const input = graph.values.get(inputs[0]!)!;
  if (input.dtype !== 'fp8' || input.fp8.format !== 'e4m3fn' || weight.format !== 'e4m3fn') return undefined;
  const scale = input.fp8.scale[0]!;
  return {
    activations: { error: [e4m3Grid(scale)], drawn: [float8Grid('FP8 E4M3', scale)] },
    weights: {
      error: Array.from(weight.scale, e4m3Grid),
      drawn: ofFeatures(weight.scale, 'FP8 E4M3', float8Grid),
    },
  };
}

/** The grids of the widest and of the narrowest output feature; one where all have the same. */
function ofFeatures(
  scale: Float32Array,
  name: string,
  grid: (label: string, scale: number) => ReportGrid,
): ReportGrid[] {
  const [narrow, wide] = [Math.min, Math.max].map((pick) => scale.reduce((a, b) => pick(a, b)));
  if (narrow === wide) return [grid(name, wide!)];
  return [grid(`${name}, widest feature`, wide!), grid(`${name}, narrowest feature`, narrow!)];
}

function integerGrid(label: string, scale: number, zeroPoint: number, min: number, max: number): ReportGrid {
  const real = (code: number): number => scale * (code - zeroPoint);
  const levels = Array.from({ length: max - min + 1 }, (_, i) => real(min + i));
  return { format: 'int8', label, min: real(min), max: real(max), step: scale, levels };
}

function float8Grid(label: string, scale: number): ReportGrid {
  const levels = scaledLevels(scale);
  return { format: 'e4m3fn', label, min: levels[0]!, max: levels.at(-1)!, step: null, levels };
}
