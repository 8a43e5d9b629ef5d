import { clampBounds } from '../../../layers/elementwise';
import type { ElementwiseNode } from '../../graph';
import type { GraphWriter, Target } from './writer';

/** Writes f(x) to `target`. */
type Form = (writer: GraphWriter, x: string, target: Target, node: ElementwiseNode) => void;

/** Operators that are one of ONNX's, with the names of their attributes there. */
const direct =
  (opType: string, attributes: Readonly<Record<string, string>> = {}): Form =>
  (writer, x, target, node) => {
    const floats = Object.entries(attributes).map(([theirs, ours]) => [
      theirs,
      { float: node.attributes[ours] as number },
    ]);
    writer.add(opType, [x], target, Object.fromEntries(floats));
  };

const clamp: Form = (writer, x, target, { op, name, attributes }) => {
  const [low, high] = clampBounds(op, attributes)!;
  writeClip(writer, x, target, name, { low, high });
};

const FORMS: Readonly<Record<ElementwiseNode['op'], Form>> = {
  relu: direct('Relu'),
  relu6: clamp,
  clip: clamp,
  leakyRelu: direct('LeakyRelu', { alpha: 'slope' }),
  elu: direct('Elu', { alpha: 'alpha' }),
  hardSigmoid: direct('HardSigmoid', { alpha: 'alpha', beta: 'beta' }),
  hardSwish: (writer, x, target, node) =>
    writer.opset >= 14 ? direct('HardSwish')(writer, x, target, node) : hardSwish(writer, x, target, node),
  sigmoid: direct('Sigmoid'),
  tanh: direct('Tanh'),
  gelu: (writer, x, target, node) => {
    const approximate = node.attributes['approximate'] as 'none' | 'tanh';
    if (writer.opset >= 20) writer.add('Gelu', [x], target, { approximate: { string: approximate } });
    else (approximate === 'tanh' ? tanhGelu : erfGelu)(writer, x, target, node);
  },
  silu: (writer, x, target, { name }) => {
    writer.add('Mul', [x, writer.step('Sigmoid', [x], `${name}/sigmoid`)], target);
  },
};

/** An activation as ONNX's operator, or below the opset that has it in those it is made of, as PyTorch writes them. */
export function writeElementwise(
  writer: GraphWriter,
  node: ElementwiseNode,
  x: string,
  target: Target,
): void {
  FORMS[node.op](writer, x, target, node);
}

/** min(max(x, low), high); a bound that is missing or infinite is left out. */
export function writeClip(
  writer: GraphWriter,
  x: string,
  target: Target,
  name: string,
  bounds: { readonly low?: number | undefined; readonly high?: number | undefined },
): void {
  const entries = [
    ['min', bounds.low],
    ['max', bounds.high],
  ] as const;
  if (writer.opset < 11) {
    const finite = entries.flatMap(([key, bound]) => (isBound(bound) ? [[key, { float: bound }]] : []));
    writer.add('Clip', [x], target, Object.fromEntries(finite));
    return;
  }
  const inputs = entries.map(([key, bound]) =>
    isBound(bound) ? writer.scalar(`${name}/${key}`, bound) : '',
  );
  while (inputs.at(-1) === '') inputs.pop();
  writer.add('Clip', [x, ...inputs], target);
}

function isBound(bound: number | undefined): bound is number {
  return bound !== undefined && Number.isFinite(bound);
}

/** x·HardSigmoid(x), alpha = 1/6, beta = ½ */
const hardSwish: Form = (writer, x, target, { name }) => {
  const gate = writer.step('HardSigmoid', [x], `${name}/gate`, {
    alpha: { float: 1 / 6 },
    beta: { float: 0.5 },
  });
  writer.add('Mul', [x, gate], target);
};

/** x·(erf(x/√2) + 1)·½ */
const erfGelu: Form = (writer, x, target, { name }) => {
  const scaled = writer.step('Div', [x, writer.scalar(`${name}/sqrt2`, Math.SQRT2)], `${name}/scaled`);
  const erf = writer.step('Erf', [scaled], `${name}/erf`);
  const sum = writer.step('Add', [erf, writer.scalar(`${name}/one`, 1)], `${name}/sum`);
  const product = writer.step('Mul', [x, sum], `${name}/product`);
  writer.add('Mul', [product, writer.scalar(`${name}/half`, 0.5)], target);
};

/** ½·(x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))) */
const tanhGelu: Form = (writer, x, target, { name }) => {
  const square = writer.step('Mul', [x, x], `${name}/square`);
  const cube = writer.step('Mul', [x, square], `${name}/cube`);
  const small = writer.step('Mul', [writer.scalar(`${name}/kappa`, 0.044715), cube], `${name}/small`);
  const inner = writer.step('Add', [x, small], `${name}/inner`);
  const beta = writer.scalar(`${name}/beta`, Math.sqrt(2 / Math.PI));
  const tanh = writer.step('Tanh', [writer.step('Mul', [beta, inner], `${name}/scaled`)], `${name}/tanh`);
  const sum = writer.step('Add', [writer.scalar(`${name}/one`, 1), tanh], `${name}/sum`);
  const product = writer.step('Mul', [x, sum], `${name}/product`);
  writer.add('Mul', [writer.scalar(`${name}/half`, 0.5), product], target);
};
