import type { LayerNormNode } from '../../graph';
import type { GraphWriter, Target } from './writer';

/** (x − mean) / sqrt(variance + epsilon)·gamma + beta, below opset 17 in the operators it is made of. */
export function writeLayerNorm(
  writer: GraphWriter,
  node: LayerNormNode,
  x: string,
  features: number,
  target: Target,
): void {
  const gamma = node.gamma ?? new Float32Array(features).fill(1);
  const parameter = (wish: string, data: Float32Array) =>
    writer.constant(`${node.name}.${wish}`, 'float32', [features], data);
  const weight = parameter('weight', gamma);
  const bias = node.beta && parameter('bias', node.beta);
  if (writer.opset >= 17) {
    const inputs = [x, weight, ...(bias === undefined ? [] : [bias])];
    const attributes = { axis: { int: -1 }, epsilon: { float: node.epsilon } };
    writer.add('LayerNormalization', inputs, target, attributes);
    return;
  }
  const product = [normalized(writer, node, x), weight];
  if (bias === undefined) writer.add('Mul', product, target);
  else writer.add('Add', [writer.step('Mul', product, `${node.name}/scaled`), bias], target);
}

/** d / sqrt(mean(d²) + epsilon), d = x − mean(x) */
function normalized(writer: GraphWriter, { name, epsilon }: LayerNormNode, x: string): string {
  const axes = { axes: { ints: [writer.opset >= 11 ? -1 : 1] }, keepdims: { int: 1 } };
  const mean = writer.step('ReduceMean', [x], `${name}/mean`, axes);
  const difference = writer.step('Sub', [x, mean], `${name}/difference`);
  const square = writer.step('Pow', [difference, writer.scalar(`${name}/two`, 2)], `${name}/square`);
  const variance = writer.step('ReduceMean', [square], `${name}/variance`, axes);
  const sum = writer.step('Add', [variance, writer.scalar(`${name}/epsilon`, epsilon)], `${name}/sum`);
  return writer.step('Div', [difference, writer.step('Sqrt', [sum], `${name}/root`)], `${name}/normalized`);
}
