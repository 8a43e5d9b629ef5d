import { expected } from '../../errors';
import type { CodesValue, Graph, LinearNode, Value } from '../../models/graph';
import type { InputGrid } from './inputs';
import type { IntegerNetwork, IntegerParameters } from './network';
import { type IntegerLayerSpec, type IntegerRecipe, roundHalfEven, shiftHalfEven } from './recipe';

const BIAS_EXPONENT = -20;
const MOST_BIAS = 2 ** 28;

/**
 * The trained network as a model of int8: the same accumulators and codes as its last forward pass. Every multiplier of a
 * requantization is a power of two, 2^-shift, so that half-even rounding is the shift's own.
 */
export function servedGraph(network: IntegerNetwork, input: InputGrid, recipe: IntegerRecipe): Graph {
  const values = new Map<string, Value>([['input', input.value]]);
  const nodes: LinearNode[] = [];
  const { shifts, specs } = network;
  let exponent = input.exponent;
  let from = 'input';
  specs.forEach((spec, layer) => {
    exponent += spec.exponent; // of the accumulators
    const parameters = network.read(layer);
    const data = codesOf(spec, parameters);
    const bias = biasOf(parameters, exponent);
    const first = layer === 0;
    if (first) addInputZeroPoint(bias, data, input.value.zeroPoint);
    const scale = Float32Array.of(first ? firstScale(input.value, exponent) : 2 ** spec.exponent);
    const weight = {
      format: 'int8' as const,
      data,
      scale,
      ...(recipe === '2-8-8-8' && { bits: 2 as const }),
    };
    const name = `${2 * layer}`; // as in a float model, where activations are layers of their own
    nodes.push({ op: 'linear', mode: 'static', name, inputs: [from], output: name, weight, bias });
    const last = layer + 1 === specs.length;
    if (!last) exponent += shifts[layer]!;
    values.set(name, last ? logits(spec.outFeatures) : activation(spec.outFeatures, exponent));
    from = name;
  });
  return {
    kind: 'quantized',
    rounding: 'half-even',
    input: 'input',
    output: from,
    values,
    nodes,
    record: [],
  };
}

function logits(features: number): Value {
  return { features, dtype: 'float32' };
}

function activation(features: number, exponent: number): CodesValue {
  return { features, dtype: 'uint8', scale: Float32Array.of(2 ** exponent), zeroPoint: 0, min: 0, max: 127 };
}

/** t = clamp(rne(stored / 2^codeShift), ±127) */
function codesOf({ codeShift }: IntegerLayerSpec, { weight }: IntegerParameters): Int8Array {
  const codes = new Int8Array(weight.length);
  for (let i = 0; i < codes.length; i++)
    codes[i] = Math.max(-127, Math.min(127, shiftHalfEven(weight[i]!, codeShift)));
  return codes;
}

/** rne(b·2^(−20 − exponent)) */
function biasOf({ bias }: IntegerParameters, exponent: number): Int32Array {
  const factor = 2 ** (BIAS_EXPONENT - exponent);
  return bias.map((b) => roundHalfEven(Math.max(-MOST_BIAS, Math.min(MOST_BIAS, b * factor))));
}

/** Training adds up q·t, the served layer (q − z)·t. */
function addInputZeroPoint(bias: Int32Array, codes: Int8Array, zeroPoint: number): void {
  const inFeatures = codes.length / bias.length;
  bias.forEach((b, n) => {
    let sum = 0;
    for (let k = n * inFeatures; k < (n + 1) * inFeatures; k++) sum += codes[k]!;
    bias[n] = b + zeroPoint * sum;
  });
}

/** What makes the accumulators' scale fl(sx·sw) the power of two that it is. */
function firstScale({ scale }: CodesValue, exponent: number): number {
  const weightScale = Math.fround(2 ** exponent / scale[0]!);
  if (Math.fround(scale[0]! * weightScale) !== 2 ** exponent)
    throw expected('ERR_OVERFLOW', `an input scale that makes 2^${exponent} with a weight scale`, scale[0]);
  return weightScale;
}
