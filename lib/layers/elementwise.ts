import { expected } from '../errors';
import { checkFinite, checkWord } from '../runtime/checks';
import type { NativeElementwise } from '../runtime/native';
import type { Layer } from './layer';

/** Activations that a name alone describes. */
export type ElementwiseName =
  | 'relu'
  | 'relu6'
  | 'leakyRelu'
  | 'elu'
  | 'hardSigmoid'
  | 'hardSwish'
  | 'sigmoid'
  | 'tanh'
  | 'gelu'
  | 'silu';

/** Operators of a model that work on each number alone. */
export type ElementwiseOp = ElementwiseName | 'clip';
export type Attributes = Readonly<Record<string, number | string>>;

interface Definition {
  /** Names and defaults of the numeric parameters, in the order the native code takes them. */
  readonly parameters: Readonly<Record<string, number>>;
  /** A clamp to [low, high] fuses into the layer before it. */
  readonly clamp?: (attributes: Attributes) => readonly [low: number, high: number];
  /** Outside of this input range the function is constant, or linear and cheap, to within half an int8 step. */
  readonly useful?: (attributes: Attributes) => readonly [low: number, high: number];
}

const number = (attributes: Attributes, name: string) => attributes[name] as number;
const { POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: minusInf } = Number;

const DEFINITIONS: Readonly<Record<ElementwiseOp, Definition>> = {
  relu: { parameters: {}, clamp: () => [0, inf] },
  relu6: { parameters: {}, clamp: () => [0, 6] },
  clip: { parameters: { min: minusInf, max: inf }, clamp: (a) => [number(a, 'min'), number(a, 'max')] },
  leakyRelu: { parameters: { slope: 0.01 } },
  elu: { parameters: { alpha: 1 }, useful: () => [-6, inf] },
  hardSigmoid: {
    parameters: { alpha: 0.2, beta: 0.5 },
    useful: (a) => {
      const [alpha, beta] = [number(a, 'alpha'), number(a, 'beta')];
      return alpha > 0 ? [Math.min(-beta / alpha, 0), Math.max((1 - beta) / alpha, 0)] : [minusInf, inf];
    },
  },
  hardSwish: { parameters: {}, useful: () => [-3, inf] },
  sigmoid: { parameters: {}, useful: () => [-6.5, 6.5] },
  tanh: { parameters: {}, useful: () => [-3.5, 3.5] },
  gelu: { parameters: {}, useful: () => [-4, inf] },
  silu: { parameters: {}, useful: () => [-10, inf] },
};

export const ELEMENTWISE_OPS = Object.keys(DEFINITIONS) as ElementwiseOp[];

export interface ElementwiseLayer extends Layer {
  readonly type: ElementwiseOp;
  readonly attributes: Attributes;
}

export function isElementwiseOp(op: string): op is ElementwiseOp {
  return Object.hasOwn(DEFINITIONS, op);
}

/** The real bounds of a clamp; undefined where `op` is not one. */
export function clampBounds(op: string, attributes: Attributes): readonly [number, number] | undefined {
  return isElementwiseOp(op) ? DEFINITIONS[op].clamp?.(attributes) : undefined;
}

/** Part of a calibrated input range that the function's int8 table needs. */
export function usefulInputRange(op: ElementwiseOp, attributes: Attributes): readonly [number, number] {
  return DEFINITIONS[op].useful?.(attributes) ?? [minusInf, inf];
}

/** Attributes as a model file holds them, checked and completed with defaults. Errors: ERR_ARGUMENT. */
export function elementwiseAttributes(op: ElementwiseOp, given: Attributes): Attributes {
  const { parameters } = DEFINITIONS[op];
  const known = op === 'gelu' ? ['approximate'] : Object.keys(parameters);
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined) throw expected('ERR_ARGUMENT', `${op} with the attributes [${known}]`, unknown);
  if (op === 'gelu') {
    const approximate = given['approximate'] ?? 'none';
    checkWord('gelu.approximate', approximate, ['none', 'tanh']);
    return Object.freeze({ approximate });
  }
  const attributes: Record<string, number> = { ...parameters, ...(given as Record<string, number>) };
  for (const [name, value] of Object.entries(attributes)) {
    const mayBeInfinite = op === 'clip' && value === parameters[name];
    if (!mayBeInfinite) checkFinite(`${op}.${name}`, value);
  }
  if (op === 'clip' && !(attributes['min']! <= attributes['max']!)) {
    throw expected('ERR_ARGUMENT', 'clip with min ≤ max', `${attributes['min']} and ${attributes['max']}`);
  }
  return Object.freeze(attributes);
}

/** The function and its two parameters as the native code takes them. */
export function nativeElementwise(
  op: ElementwiseOp,
  attributes: Attributes,
): { name: NativeElementwise; a: number; b: number } {
  if (op === 'gelu') return { name: attributes['approximate'] === 'tanh' ? 'geluTanh' : 'gelu', a: 0, b: 0 };
  const [a = 0, b = 0] = Object.keys(DEFINITIONS[op].parameters).map((name) => number(attributes, name));
  return { name: op, a, b };
}

/** A layer of any elementwise operator. Errors: ERR_ARGUMENT. */
export function elementwise(op: ElementwiseOp, attributes: Attributes = {}): ElementwiseLayer {
  return Object.freeze({ type: op, attributes: elementwiseAttributes(op, attributes) });
}

/** max(x, 0) */
export const relu = (): Layer => elementwise('relu');
/** min(max(x, 0), 6) */
export const relu6 = (): Layer => elementwise('relu6');
/** min(max(x, min), max) */
export const clip = (min: number, max: number): Layer => elementwise('clip', { min, max });
/** x for x ≥ 0, else slope·x */
export const leakyRelu = (slope = 0.01): Layer => elementwise('leakyRelu', { slope });
/** x for x > 0, else alpha·(exp(x) − 1) */
export const elu = (alpha = 1): Layer => elementwise('elu', { alpha });
/** min(max(alpha·x + beta, 0), 1); defaults of ONNX */
export const hardSigmoid = (alpha = 0.2, beta = 0.5): Layer => elementwise('hardSigmoid', { alpha, beta });
/** x·min(max(x/6 + ½, 0), 1) */
export const hardSwish = (): Layer => elementwise('hardSwish');
/** 1 / (1 + exp(−x)) */
export const sigmoid = (): Layer => elementwise('sigmoid');
/** tanh(x) */
export const tanh = (): Layer => elementwise('tanh');
/** ½x·(1 + erf(x/√2)), or its tanh approximation */
export const gelu = (approximate: 'none' | 'tanh' = 'none'): Layer => elementwise('gelu', { approximate });
/** x·sigmoid(x) */
export const silu = (): Layer => elementwise('silu');
