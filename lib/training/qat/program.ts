import { clampBounds } from '../../layers/elementwise';
import { compile, valueNames } from '../../models/compile';
import { type CodesValue, codeBounds, type ElementwiseNode, type Graph, isCodes } from '../../models/graph';
import type { NativeProgram, NativeStage } from '../../runtime/native';
import type { GridEnds } from './lsq';

/** A value's grid as programs have it: int8 codes, zero points and ends are raised by 128. */
export interface CodesGrid {
  /** What its range is called: the value of the float graph. */
  readonly range: string;
  readonly scale: number;
  readonly zeroPoint: number;
  readonly lo: number;
  readonly hi: number;
  readonly ends: GridEnds;
}

/** A quantized graph as the stages that its plan would run, with what a backward pass has to know about them. */
export interface Program {
  readonly native: NativeProgram;
  /** By value number; undefined where a value is float32. */
  readonly grids: readonly (CodesGrid | undefined)[];
  /** Names of the ranges of float8 values, by value number. */
  readonly fp8Ranges: ReadonlyMap<number, string>;
  /** The layer that writes a value, by value number. */
  readonly linears: ReadonlyMap<number, string>;
  /** Weight scales of static layers, by the number of the value that they write. */
  readonly weightScales: ReadonlyMap<number, Float32Array>;
  /** The function of a lookup, by the number of the value that it writes. */
  readonly functions: ReadonlyMap<number, ElementwiseNode>;
  readonly numbers: ReadonlyMap<string, number>;
  /** Whether a value changes with a parameter: the input and its codes do not. */
  readonly isTrained: readonly boolean[];
}

/** `float`: the graph that `lowered` comes of. */
export function programOf(lowered: Graph, float: Graph): Program {
  const native = compile(lowered);
  const numbers = new Map(valueNames(lowered).map((name, i) => [name, i]));
  const linears = new Map<number, string>();
  const weightScales = new Map<number, Float32Array>();
  const functions = new Map<number, ElementwiseNode>();
  for (const node of lowered.nodes) {
    const number = numbers.get(node.output)!;
    if ('table' in node) functions.set(number, node);
    if (node.op !== 'linear') continue;
    linears.set(number, node.name);
    if (node.weight.format === 'int8') weightScales.set(number, node.weight.scale);
  }
  const grids: (CodesGrid | undefined)[] = native.values.map(() => undefined);
  const fp8Ranges = new Map<number, string>();
  for (const [name, value] of lowered.values) {
    const number = numbers.get(name)!;
    const range = rangeName(name, lowered, float);
    if (isCodes(value)) grids[number] = codesGrid(value, range, boundsOf(float, range));
    else if (value.dtype === 'fp8') fp8Ranges.set(number, range);
  }
  const isTrained = trainedValues(native);
  return { native, grids, fp8Ranges, linears, weightScales, functions, numbers, isTrained };
}

/** The float value whose range decides a value's grid: its own, or the one that it was converted from. */
function rangeName(name: string, lowered: Graph, float: Graph): string {
  let own = name;
  while (!float.values.has(own)) own = lowered.nodes.find(({ output }) => output === own)!.inputs[0]!;
  return own;
}

/** What a value can be after the clamps that write it. */
export function boundsOf(float: Graph, name: string): readonly [low: number, high: number] {
  const node = float.nodes.find(({ output }) => output === name);
  const clamp = node && 'attributes' in node ? clampBounds(node.op, node.attributes) : undefined;
  if (clamp === undefined) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const [low, high] = boundsOf(float, node!.inputs[0]!);
  const into = (x: number) => Math.min(Math.max(x, clamp[0]), clamp[1]);
  return [into(low), into(high)];
}

function codesGrid(
  value: CodesValue,
  range: string,
  [lowest, highest]: readonly [number, number],
): CodesGrid {
  const raised = value.dtype === 'int8' ? 128 : 0;
  const { min, max } = codeBounds(value);
  const scale = value.scale[0]!;
  const [low, high] = [min - value.zeroPoint, max - value.zeroPoint];
  // An end within half a step of a function's bound is that bound.
  const ends = {
    low,
    high,
    lowSlope: lowest > scale * (low - 0.5) ? 0 : low,
    highSlope: highest < scale * (high + 0.5) ? 0 : high,
  };
  return { range, scale, zeroPoint: value.zeroPoint + raised, lo: min + raised, hi: max + raised, ends };
}

function trainedValues({ values, stages }: NativeProgram): boolean[] {
  const trained = values.map(() => false);
  for (const stage of stages)
    trained[stage.output] = hasParameters(stage) || stage.inputs.some((input) => trained[input]!);
  return trained;
}

function hasParameters(stage: NativeStage): boolean {
  if (stage.op === 'layerNorm') return stage.weight !== undefined || stage.bias !== undefined;
  return stage.op === 'staticLinear' || stage.op === 'floatLinear';
}
