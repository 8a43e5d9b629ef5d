import { expected } from '../errors';
import { decodeRows, gridDenominators, gridInfo, isFp8Weights } from '../fp8/grid';
import { nativeElementwise } from '../layers/elementwise';
import { findOutside, MAX_FLOAT32 } from '../quantization/float32';
import { LARGEST_MULTIPLIER, multiplierFromScale } from '../quantization/multiplier';
import type { NativeGrid, NativePort, NativeProgram, NativeStage } from '../runtime/native';
import {
  type CodesValue,
  codeBounds,
  type ElementwiseNode,
  type Fp8Value,
  type Graph,
  isCodes,
  type LayerNormNode,
  type LinearNode,
  type Node,
  sameGrid,
  type Value,
} from './graph';

/**
 * Graph → native program. Everything derived is derived here: multipliers and shifts, scales of float outputs, and the
 * temporary float32 values of operators between codes. `observable`: every value can be shown.
 */
export function compile(graph: Graph, observable = false): NativeProgram {
  const compiler = new Compiler(graph);
  for (const node of graph.nodes) compiler.node(node);
  return {
    values: compiler.values,
    stages: compiler.stages,
    input: port(graph, graph.input, compiler.id(graph.input)),
    output: port(graph, graph.output, compiler.id(graph.output)),
    observable,
  };
}

/** Names of a graph's values by their number in the program: the input is value 0. */
export function valueNames({ input, nodes }: Graph): string[] {
  return [input, ...nodes.map((node) => node.output)];
}

/** The input grid's scale in a product: 1 where each feature's own scale is folded into the weights. */
export function productScale(value: CodesValue): number {
  return value.scale.length === 1 ? value.scale[0]! : 1;
}

/** fl(sx · sw[n]) */
export function accumulatorScale(input: CodesValue, weightScale: Float32Array): Float32Array {
  const sx = productScale(input);
  // No map: a hot callback would call for the optimizer, which costs a starting process 4 MB.
  const scale = new Float32Array(weightScale.length);
  for (let n = 0; n < scale.length; n++) scale[n] = sx * weightScale[n]!;
  return scale;
}

/** Codes inside a program are unsigned: int8 is raised by 128. */
const raise = (dtype: 'int8' | 'uint8') => (dtype === 'int8' ? 128 : 0);

function nativeGrid(value: CodesValue): NativeGrid {
  const offset = raise(value.dtype);
  const { min, max } = codeBounds(value);
  return { scale: value.scale, zeroPoint: value.zeroPoint + offset, lo: min + offset, hi: max + offset };
}

function port(graph: Graph, name: string, id: number): NativePort {
  const value = graph.values.get(name)!;
  return isCodes(value)
    ? { value: id, element: value.dtype, ...nativeGrid(value) }
    : { value: id, element: 'float32' };
}

class Compiler {
  readonly values: NativeProgram['values'] = [];
  readonly stages: NativeStage[] = [];
  private readonly ids = new Map<string, number>();

  constructor(private readonly graph: Graph) {
    for (const name of valueNames(graph)) this.ids.set(name, this.addValue(name, graph.values.get(name)!));
  }

  id(name: string): number {
    return this.ids.get(name)!;
  }

  node(node: Node): void {
    switch (node.op) {
      case 'linear':
        this.linear(node);
        break;
      case 'quantize':
        this.quantize(this.id(node.inputs[0]!), node.output);
        break;
      case 'dequantize':
        this.dequantize(node.inputs[0]!, this.id(node.output));
        break;
      case 'layerNorm':
        this.layerNorm(node);
        break;
      case 'softmax':
      case 'logSoftmax':
      case 'add':
      case 'concat':
        this.plain(node.op, node.inputs, node.output);
        break;
      default:
        this.elementwise(node);
    }
  }

  private linear(node: LinearNode): void {
    const [input, output] = [this.value(node.inputs[0]!), this.value(node.output)];
    const common = {
      inputs: [this.id(node.inputs[0]!)] as [number],
      output: this.id(node.output),
      outFeatures: output.features,
      inFeatures: input.features,
    };
    const { weight } = node;
    const bias = node.bias as Float32Array | undefined;
    if (weight.format === 'float32') {
      this.stages.push({ op: 'floatLinear', ...common, weight: weight.data, scale: undefined, bias });
      return;
    }
    if (isFp8Weights(weight)) {
      this.stages.push({ op: 'floatLinear', ...common, weight: decodeRows(weight), scale: undefined, bias });
      return;
    }
    if (weight.format === 'int4') {
      const { data, scale, groupSize } = weight;
      const dynamic = node.mode === 'dynamic';
      this.stages.push({ op: 'int4Linear', ...common, weight: data, scale, groupSize, bias, dynamic });
      return;
    }
    if (node.mode === 'weight-only') {
      if (weight.format !== 'int8' || weight.zeroPoint)
        throw expected('ERR_UNSUPPORTED', 'weight-only layers with int8 weights of zero point 0', node.name);
      this.stages.push({
        op: 'floatLinear',
        ...common,
        weight: weight.data as Int8Array,
        scale: spread(weight.scale, output.features),
        bias,
      });
      return;
    }
    const integer = { ...common, weight: weight.data, weightZeroPoint: weight.zeroPoint };
    if (node.mode === 'dynamic') {
      this.stages.push({ op: 'dynamicLinear', ...integer, scale: weight.scale, bias });
      return;
    }
    const x = this.codes(node.inputs[0]!);
    const scale = accumulatorScale(x, weight.scale);
    const staticLinear = {
      op: 'staticLinear' as const,
      ...integer,
      bias: node.bias as Int32Array | undefined,
      xZeroPoint: x.zeroPoint + raise(x.dtype),
    };
    this.stages.push(
      isCodes(output)
        ? { ...staticLinear, requantize: this.requantize(node, scale, output) }
        : { ...staticLinear, scale },
    );
  }

  /** M[n] = fl(fl(sx·sw[n]) / sy) */
  private requantize(node: LinearNode, scale: Float32Array, output: CodesValue) {
    const rounding = node.rounding ?? this.graph.rounding;
    const { zeroPoint, lo, hi, scale: sy } = nativeGrid(output);
    const divisor = sy[0]!;
    const multipliers = new Float32Array(scale.length);
    for (let n = 0; n < scale.length; n++) multipliers[n] = scale[n]! / divisor;
    const largest = rounding === 'float32' ? MAX_FLOAT32 : LARGEST_MULTIPLIER;
    const invalid = findOutside(multipliers, 0, largest);
    if (invalid !== undefined)
      throw expected('ERR_OVERFLOW', `multipliers below 64 in '${node.name}'`, invalid);
    const target = { rounding, zeroPoint, lo, hi };
    return rounding === 'float32'
      ? { ...target, scale: multipliers }
      : { ...target, ...multiplierFromScale(multipliers) };
  }

  private elementwise(node: ElementwiseNode): void {
    const input = this.value(node.inputs[0]!);
    const output = this.value(node.output);
    if (node.table !== undefined && isCodes(input) && isCodes(output)) {
      // Entries are bytes in the output's dtype; inside, index and entry are u8 codes. Entry i belongs to code lo + i.
      const offset = raise(output.dtype);
      const table = Uint8Array.from(node.table, (code) => code + offset);
      this.stages.push({
        op: 'lookup',
        inputs: [this.id(node.inputs[0]!)],
        output: this.id(node.output),
        table,
      });
      return;
    }
    const { name: op, a, b } = nativeElementwise(node.op, node.attributes);
    this.viaFloats([node.inputs[0]!], node.output, ([x], y) => ({ op, inputs: [x!], output: y, a, b }));
  }

  /** Codes are normalized as they are: from their exact sums. */
  private layerNorm({ inputs, output, epsilon, gamma, beta }: LayerNormNode): void {
    const input = inputs[0]!;
    const x = this.value(input);
    const grid = isCodes(x) ? { grid: nativeGrid(x) } : {};
    this.toValue(output, (y) => ({
      op: 'layerNorm',
      inputs: [this.id(input)],
      output: y,
      epsilon,
      weight: gamma,
      bias: beta,
      ...grid,
    }));
  }

  private plain(
    op: 'softmax' | 'logSoftmax' | 'add' | 'concat',
    inputs: readonly string[],
    output: string,
  ): void {
    const y = this.value(output);
    if (op === 'concat' && isCodes(y) && inputs.every((name) => this.copies(name, y))) {
      this.stages.push({ op, inputs: inputs.map((name) => this.id(name)), output: this.id(output) });
      return;
    }
    this.viaFloats(inputs, output, (ids, out) => ({ op, inputs: ids, output: out }) as NativeStage);
  }

  /** Codes of the same grid are copied, unless the output clamps what the input does not. */
  private copies(name: string, output: CodesValue): boolean {
    const input = this.value(name);
    if (!isCodes(input) || !sameGrid(input, output)) return false;
    const [from, to] = [codeBounds(input), codeBounds(output)];
    return from.min >= to.min && from.max <= to.max;
  }

  /** Dequantizes what is codes, lets `stage` work on float32, quantizes where the output is codes. */
  private viaFloats(
    inputs: readonly string[],
    output: string,
    stage: (inputs: number[], output: number) => NativeStage,
  ): void {
    const floats = inputs.map((name) => this.asFloat(name));
    this.toValue(output, (y) => stage(floats, y));
  }

  /** A stage that writes float32, and a quantize behind it where the value is codes. */
  private toValue(output: string, stage: (output: number) => NativeStage): void {
    const y = this.value(output);
    if (!isCodes(y)) {
      this.stages.push(stage(this.id(output)));
      return;
    }
    const result = this.addValue(`${output} (float32)`, { features: y.features, dtype: 'float32' });
    this.stages.push(stage(result));
    this.quantize(result, output);
  }

  private asFloat(name: string): number {
    const value = this.value(name);
    if (!isCodes(value)) return this.id(name);
    const id = this.addValue(`${name} (float32)`, { features: value.features, dtype: 'float32' });
    this.dequantize(name, id);
    return id;
  }

  private dequantize(input: string, output: number): void {
    this.stages.push({
      op: 'dequantize',
      inputs: [this.id(input)],
      output,
      ...nativeGrid(this.codes(input)),
    });
  }

  private quantize(input: number, output: string): void {
    const value = this.value(output);
    if (value.dtype === 'fp8') {
      this.roundToGrid(input, this.id(output), value);
      return;
    }
    this.stages.push({
      op: 'quantize',
      inputs: [input],
      output: this.id(output),
      ...nativeGrid(this.codes(output)),
    });
  }

  private roundToGrid(input: number, output: number, { fp8 }: Fp8Value): void {
    const { mantissa, minExponent, limit, numerator } = gridInfo(fp8);
    const denominator = gridDenominators(fp8)[0]!;
    const grid = { mantissa, minExponent, limit, numerator, denominator };
    this.stages.push({ op: 'roundToGrid', inputs: [input], output, ...grid });
  }

  private addValue(name: string, value: Value): number {
    return (
      this.values.push({ name, features: value.features, type: isCodes(value) ? 'codes' : 'float32' }) - 1
    );
  }

  private value(name: string): Value {
    return this.graph.values.get(name)!;
  }

  private codes(name: string): CodesValue {
    const value = this.value(name);
    if (!isCodes(value)) throw expected('ERR_FORMAT', `value '${name}' to hold codes`, value.dtype);
    return value;
  }
}

function spread(values: Float32Array, length: number): Float32Array {
  return values.length === length ? values : new Float32Array(length).fill(values[0]!);
}
