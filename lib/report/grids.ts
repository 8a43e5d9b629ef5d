import { codeBounds, type Graph, isCodes, type LinearNode } from '../models/graph';
import type { IntegerGrid, RoundedGrid } from '../quantization/grid-error';
import type { ReportFormat, ReportGrid } from './types';

/** The grids of a layer in a quantized model: to measure with, and to draw. */
export interface TensorGrids {
  readonly error: IntegerGrid | RoundedGrid;
  readonly drawn: readonly ReportGrid[];
}

export interface LayerGrids {
  readonly weights: TensorGrids;
  readonly activations: TensorGrids;
}

const WEIGHT_CODES = { min: -127, max: 127 } as const;

/** Of a static layer; undefined where it is none, as a layer that stays float32. */
export function layerGrids(graph: Graph, node: LinearNode, format: ReportFormat): LayerGrids | undefined {
  const input = graph.values.get(node.inputs[0]!)!;
  if (format !== 'int8' || !isCodes(input) || input.scale.length !== 1) return undefined;
  const { weight } = node;
  if (weight.format !== 'int8') return undefined;
  const { min, max } = codeBounds(input);
  const scale = input.scale[0]!;
  return {
    activations: {
      error: { scale, zeroPoint: input.zeroPoint, min, max },
      drawn: [integerGrid('int8', scale, input.zeroPoint, min, max)],
    },
    weights: { error: { scale: weight.scale, ...WEIGHT_CODES }, drawn: weightGrids(weight.scale) },
  };
}

/** Those of the widest and of the narrowest output feature. */
function weightGrids(scale: Float32Array): ReportGrid[] {
  const { min, max } = WEIGHT_CODES;
  const [narrow, wide] = [Math.min, Math.max].map((pick) => scale.reduce((a, b) => pick(a, b)));
  if (narrow === wide) return [integerGrid('int8', wide!, 0, min, max)];
  return [
    integerGrid('int8, widest feature', wide!, 0, min, max),
    integerGrid('int8, narrowest feature', narrow!, 0, min, max),
  ];
}

function integerGrid(label: string, scale: number, zeroPoint: number, min: number, max: number): ReportGrid {
  const real = (code: number): number => scale * (code - zeroPoint);
  const levels = Array.from({ length: max - min + 1 }, (_, i) => real(min + i));
  return { format: 'int8', label, min: real(min), max: real(max), step: scale, levels };
}
