import type { Calibration } from '../../calibration/types';
import { expected, RequantError } from '../../errors';
import { clampBounds, usefulInputRange } from '../../layers/elementwise';
import type { ActivationBits, WeightBits } from '../../quantization/bits';
import { findNonFinite } from '../../quantization/float32';
import { quantizeInt4 } from '../../quantization/int4';
import { foldInputScales, perFeatureParams } from '../../quantization/per-feature';
import { quantizeBias, quantizeWeights, scalesThatFitBias, weightScales } from '../../quantization/weights';
import { activationTable } from '../activation-table';
import { accumulatorScale, productScale } from '../compile';
import type { Fp8Choice } from '../fp8-choice';
import {
  type CodesValue,
  codeBounds,
  type ElementwiseNode,
  type Graph,
  isCodes,
  type LayerNormNode,
  type LinearNode,
  type Node,
  readersOf,
  type Value,
  type Weight,
} from '../graph';
import { Fp8Values, fp8Weights } from './fp8';
import { calibratedRange, clampGrid, gridOf, raiseScale } from './grids';
import type { Settings } from './options';
import { chooseRepresentation, type Representation } from './representation';

type Bounds = readonly [low: number, high: number];
/** A value that a node writes after the clamps behind it have been fused into it. */
interface Target {
  readonly name: string;
  readonly bounds: readonly Bounds[];
}

/** Float graph + ranges → quantized graph. Errors: ERR_ARGUMENT (a range is missing), ERR_UNSUPPORTED. */
export function lower(graph: Graph, calibration: Calibration | null, settings: Settings): Graph {
  const lowering = new Lowering(graph, calibration, settings);
  lowering.input();
  for (const node of graph.nodes) lowering.node(node);
  return {
    ...graph,
    kind: 'quantized',
    rounding: settings.rounding,
    values: lowering.values,
    nodes: lowering.nodes,
    output: lowering.output(),
  };
}

class Lowering {
  readonly values = new Map<string, Value>();
  readonly nodes: Node[] = [];
  private readonly codes: Representation;
  private readonly readers: ReturnType<typeof readersOf>;
  /** Bits of the values that do not have 8. */
  private readonly bits: ReadonlyMap<string, ActivationBits>;
  private readonly fp8: Fp8Values;
  /** Clamps that an earlier node does on its own. */
  private readonly fused = new Set<Node>();
  /** Values on float8 grids, by what they are of and the format. */
  private readonly fp8Names = new Map<string, string>();

  constructor(
    private readonly graph: Graph,
    private readonly calibration: Calibration | null,
    private readonly settings: Settings,
  ) {
    this.codes = chooseRepresentation(graph, settings);
    this.readers = readersOf(graph);
    this.bits = narrowInputs(settings);
    this.fp8 = new Fp8Values(graph, calibration, searchedValues(settings));
  }

  input(): void {
    const { input } = this.graph;
    const { features } = this.graph.values.get(input)!;
    if (!this.codes.has(input)) {
      this.values.set(input, { features, dtype: 'float32' });
    } else if (this.settings.perFeatureInputs) {
      this.values.set(input, this.perFeatureInput(features));
    } else {
      this.values.set(input, this.grid(input, this.readRange(input)));
    }
  }

  node(node: Node): void {
    if (this.fused.has(node)) return;
    if (node.op === 'linear') this.linear(node);
    else if (node.op === 'add' || node.op === 'concat') this.combine(node);
    else if ('attributes' in node) this.elementwise(node);
    else if (node.op === 'layerNorm') this.layerNorm(node);
    else this.float(node);
  }

  /** The output's name: with a quantize node behind a layer that writes float32 where codes are wanted. */
  output(): string {
    const { output } = this.graph;
    return this.settings.output === 'float32' ? output : this.asCodes(output);
  }

  private linear(node: LinearNode): void {
    const { mode } = this.settings.layers.get(node)!;
    if (mode !== 'float') checkFiniteWeights(node);
    if (mode === 'static') this.staticLinear(node);
    else if (mode === 'float') this.write({ ...withoutWish(node), inputs: [this.asFloat(node.inputs[0]!)] });
    else if (mode === 'fp8') this.fp8Linear(node);
    else this.roundedWeights(node, mode);
  }

  /** Weights and input on float8 grids, float32 out. */
  private fp8Linear(node: LinearNode): void {
    this.write({
      ...withoutWish(node),
      inputs: [this.asFp8(node.inputs[0]!, this.settings.layers.get(node)!.fp8!)],
      mode: 'fp8',
      weight: this.quantizedWeight(node),
    });
  }

  /** Dynamic and weight-only: int8, int4 or float8 weights, float32 in and out. */
  private roundedWeights(node: LinearNode, mode: 'dynamic' | 'weight-only'): void {
    this.write({
      ...withoutWish(node),
      inputs: [this.asFloat(node.inputs[0]!)],
      mode,
      weight: this.quantizedWeight(node),
    });
  }

  private quantizedWeight(node: LinearNode): Weight {
    const { scale, groupSize, bits, fp8 } = this.settings.layers.get(node)!;
    const weight = node.weight.data as Float32Array;
    const outFeatures = this.features(node.output);
    const perTensor = this.settings.perTensorWeights;
    if (fp8 !== undefined)
      return fp8Weights(node.name, weight, outFeatures, { choice: fp8, scale, perTensor });
    if (groupSize !== undefined)
      return { format: 'int4', ...quantizeInt4(weight, outFeatures, groupSize, scale) };
    const scales = scale ?? weightScales(weight, outFeatures, perTensor, bits);
    return int8Weight(weight, outFeatures, scales, bits);
  }

  private staticLinear(node: LinearNode): void {
    const input = this.asCodes(node.inputs[0]!);
    const x = this.values.get(input) as CodesValue;
    const outFeatures = this.features(node.output);
    const float = node.weight.data as Float32Array;
    const weight = x.scale.length > 1 ? foldInputScales(float, x.scale) : float;
    const bias = node.bias as Float32Array | undefined;
    const { bits, scale: chosen } = this.settings.layers.get(node)!;
    const wished = chosen ?? weightScales(weight, outFeatures, this.settings.perTensorWeights, bits);
    const scale = scalesThatFitBias(wished, productScale(x), bias);
    const accumulator = accumulatorScale(x, scale);
    const quantized: LinearNode = {
      ...withoutWish(node),
      mode: 'static',
      inputs: [input],
      weight: int8Weight(weight, outFeatures, scale, bits),
      ...(bias && { bias: quantizeBias(bias, accumulator) }),
    };
    if (!this.codes.has(node.output)) {
      this.write(quantized);
      return;
    }
    const target = this.target(node.output);
    const range = this.writeRange(target.name);
    const grid = raiseScale(this.grid(target.name, range), accumulator, range, this.settings.symmetric);
    this.nodes.push({ ...quantized, output: target.name });
    this.values.set(target.name, clampGrid(grid, target.bounds));
  }

  private combine(node: Node): void {
    if (!this.codes.has(node.output)) {
      this.write({ ...node, inputs: node.inputs.map((name) => this.asFloat(name)) } as Node);
      return;
    }
    const inputs = node.inputs.map((name) => this.asCodes(name));
    const target = this.target(node.output);
    const grids = inputs.map((name) => this.values.get(name) as CodesValue);
    if (grids.some((g) => g.scale.length > 1)) throw perFeatureUnsupported(node);
    this.nodes.push({ ...node, inputs, output: target.name } as Node);
    this.values.set(
      target.name,
      clampGrid(this.grid(target.name, this.writeRange(target.name)), target.bounds),
    );
  }

  private elementwise(node: ElementwiseNode): void {
    if (!this.codes.has(node.output)) {
      this.write({ ...node, inputs: [this.asFloat(node.inputs[0]!)] });
      return;
    }
    const input = this.asCodes(node.inputs[0]!);
    const from = this.values.get(input) as CodesValue;
    if (from.scale.length > 1) throw perFeatureUnsupported(node);
    const to = this.grid(node.output, this.writeRange(node.output));
    const { min, max } = codeBounds(to);
    const table = activationTable(node, from, to).map((code) => Math.min(Math.max(code, min), max));
    this.nodes.push({ ...node, inputs: [input], table });
    this.values.set(node.output, to);
  }

  /** Reads codes where the value is kept as codes for another reader. */
  private layerNorm(node: LayerNormNode): void {
    if (!this.codes.has(node.output)) {
      this.write(node);
      return;
    }
    const target = this.target(node.output);
    this.nodes.push({ ...node, output: target.name });
    this.values.set(
      target.name,
      clampGrid(this.grid(target.name, this.writeRange(target.name)), target.bounds),
    );
  }

  /** softmax and logSoftmax */
  private float(node: Node): void {
    const inputs = node.inputs.map((name) => this.asFloat(name));
    if (!this.codes.has(node.output)) {
      this.write({ ...node, inputs } as Node);
      return;
    }
    this.nodes.push({ ...node, inputs } as Node);
    this.values.set(node.output, this.grid(node.output, this.writeRange(node.output)));
  }

  /** A node that writes float32 under its own name. */
  private write(node: Node): void {
    this.nodes.push(node);
    this.values.set(node.output, { features: this.features(node.output), dtype: 'float32' });
  }

  /** The value behind all clamps that are the only readers of what comes before them. */
  private target(output: string): Target {
    const bounds: Bounds[] = [];
    let name = output;
    for (;;) {
      const [reader, ...others] = this.readers.get(name)!;
      if (reader === undefined || others.length > 0 || !('attributes' in reader)) break;
      const clamp = clampBounds(reader.op, reader.attributes);
      if (clamp === undefined || !this.codes.has(reader.output)) break;
      this.fused.add(reader);
      bounds.push(clamp);
      name = reader.output;
    }
    return { name, bounds };
  }

  /** The value as codes, through a quantize node where it is float32. */
  private asCodes(name: string): string {
    const value = this.values.get(name)!;
    if (isCodes(value)) return name;
    return this.convert(name, 'quantize', this.grid(name, this.readRange(name)));
  }

  /** The value on a float8 grid, through a quantize node; layers that want the same grid share it. */
  private asFp8(name: string, choice: Fp8Choice): string {
    const key = `${name} ${JSON.stringify(formatKey(choice))}`;
    const present = this.fp8Names.get(key);
    if (present !== undefined) return present;
    const fp8 = this.fp8.grid(name, choice);
    const value: Value = { features: this.features(name), dtype: 'fp8', fp8 };
    const converted = this.insert('quantize', this.asFloat(name), this.freeName(`${name}.fp8`), value);
    this.fp8Names.set(key, converted);
    return converted;
  }

  private asFloat(name: string): string {
    const value = this.values.get(name)!;
    if (!isCodes(value)) return name;
    if (value.scale.length > 1)
      throw new RequantError(
        'ERR_UNSUPPORTED',
        "expected only static Linear layers to read the input for inputs: 'per-feature'",
      );
    return this.convert(name, 'dequantize', { features: value.features, dtype: 'float32' });
  }

  private convert(name: string, op: 'quantize' | 'dequantize', value: Value): string {
    const wish = op === 'quantize' ? `${name}.codes` : `${name}.float32`;
    // Layers may be named so too.
    let converted = wish;
    while (this.graph.values.has(converted)) converted += "'";
    return this.values.has(converted) ? converted : this.insert(op, name, converted, value);
  }

  private insert(op: 'quantize' | 'dequantize', from: string, name: string, value: Value): string {
    this.nodes.push({ name, op, inputs: [from], output: name });
    this.values.set(name, value);
    return name;
  }

  private freeName(wish: string): string {
    let name = wish;
    while (this.graph.values.has(name) || this.values.has(name)) name += "'";
    return name;
  }

  private perFeatureInput(features: number): CodesValue {
    const kept = this.calibration?.kept;
    if (this.bits.has(this.graph.input))
      throw expected('ERR_UNSUPPORTED', "8 bits of the input for inputs: 'per-feature'", 4);
    if (kept === undefined || kept.length === 0 || kept.length % features !== 0) {
      throw expected(
        'ERR_ARGUMENT',
        "a calibration that kept rows (keepRows) for inputs: 'per-feature'",
        'one without rows',
      );
    }
    return { features, dtype: 'uint8', ...perFeatureParams(kept, features) };
  }

  private grid(name: string, range: { min: number; max: number }): CodesValue {
    const { symmetric, output } = this.settings;
    const isOutput = name === this.graph.output && output !== 'float32';
    const dtype = isOutput ? output : symmetric ? 'int8' : 'uint8';
    return gridOf(range, this.features(name), dtype, symmetric, this.bits.get(name));
  }

  private readRange(name: string): { min: number; max: number } {
    return calibratedRange(this.calibration, name);
  }

  /** The calibrated range of what a node writes; less where its only reader is a function that saturates. */
  private writeRange(name: string): { min: number; max: number } {
    const range = this.readRange(name);
    const [reader, ...others] = this.readers.get(name) ?? [];
    if (reader === undefined || others.length > 0 || !('attributes' in reader)) return range;
    const [low, high] = usefulInputRange(reader.op, reader.attributes);
    return { min: Math.max(range.min, low), max: Math.min(range.max, high) };
  }

  private features(name: string): number {
    return this.graph.values.get(name)!.features;
  }
}

function int8Weight(
  weight: Float32Array,
  outFeatures: number,
  scale: Float32Array,
  bits: WeightBits,
): Weight {
  return {
    format: 'int8',
    ...quantizeWeights(weight, outFeatures, scale, bits),
    ...(bits !== 8 && { bits }),
  };
}

/** What static layers read with fewer than 8 bits. */
function narrowInputs({ layers }: Settings): ReadonlyMap<string, ActivationBits> {
  const bits = new Map<string, ActivationBits>();
  for (const [node, { activationBits }] of layers)
    if (activationBits !== undefined) bits.set(node.inputs[0]!, activationBits);
  return bits;
}

/** Inputs whose grids are searched on the kept rows. */
function searchedValues({ layers }: Settings): ReadonlySet<string> {
  const searched = [...layers].filter(([, { mode, fp8 }]) => mode === 'fp8' && fp8 === 'fp8-search');
  return new Set(searched.map(([node]) => node.inputs[0]!));
}

/** What decides a value's grid beside its range. */
function formatKey(choice: Fp8Choice): unknown {
  return typeof choice === 'string' ? choice : [choice.mantissa, choice.exponent];
}

/** No grid holds NaN or Infinity. */
function checkFiniteWeights(node: LinearNode): void {
  for (const values of [node.weight.data, node.bias] as (Float32Array | undefined)[]) {
    const bad = values && findNonFinite(values);
    if (bad !== undefined) throw expected('ERR_ARGUMENT', `finite weights and biases in '${node.name}'`, bad);
  }
}

/** What a float model's layer wished for has been done. */
function withoutWish(node: LinearNode): LinearNode {
  const { quantization: _, ...rest } = node;
  return rest;
}

function perFeatureUnsupported(node: Node): RequantError {
  return new RequantError(
    'ERR_UNSUPPORTED',
    `expected only static Linear layers to read the input for inputs: 'per-feature' but '${node.name}' (${node.op}) reads it too`,
  );
}
