import { OnnxBuilder } from '../support/onnx-builder';
import { Seeded } from '../support/random';
import {
  ACTIVATIONS,
  activationsOf,
  batchNormalization,
  LINEARS,
  layerNormalization,
  noise,
  scaleAndShift,
  softmax,
} from './operators';

export const OPSETS = [7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23] as const;

export interface RandomMlp {
  readonly bytes: Uint8Array;
  readonly inFeatures: number;
  readonly sizes: readonly number[];
  readonly opset: number;
}

interface Value {
  readonly name: string;
  readonly features: number;
}

/** An MLP as some exporter might have written it: the same for the same seed. */
export function randomMlp(seed: number): RandomMlp {
  const random = new Seeded(seed);
  const opset = random.pick(OPSETS);
  const b = new OnnxBuilder(opset);
  const side = random.integer(2, 5);
  const sizes = random.pick([[side * side], [1, side, side], [side * side, 1]]);
  const inFeatures = side * side;
  let x: Value = { name: 'x', features: inFeatures };
  if (sizes.length > 1) x = { ...x, name: b.node('Flatten', ['x']) };
  if (random.uniform() < 0.3) x = { ...x, name: scaleAndShift(b, random, x.name, x.features) };
  for (let i = random.integer(1, 5); i > 0; i--) x = block(b, random, x, 2);
  // Several outputs: a single one that happens to be near 0 is no measure of the numbers that were added up to it.
  x = linear(b, random, x, random.integer(8, 16));
  if (random.uniform() < 0.3) x = { ...x, name: softmax(b, random, x.name) };
  return { bytes: b.encode(sizes, x.name), inFeatures, sizes, opset };
}

function block(b: OnnxBuilder, random: Seeded, x: Value, depth: number): Value {
  const kind = random.uniform();
  if (depth > 0 && kind < 0.15) return residual(b, random, x, depth - 1);
  if (depth > 0 && kind < 0.3) return concat(b, random, x, depth - 1);
  let y = random.uniform() < 0.85 ? linear(b, random, x, random.integer(4, 24)) : x;
  for (const extra of [maybeNorm, maybeScale, activation, maybeNorm, maybeNoise])
    y = { ...y, name: extra(b, random, y) };
  return y;
}

function linear(b: OnnxBuilder, random: Seeded, x: Value, features: number): Value {
  const write = random.pick(Object.values(LINEARS));
  return { name: write(b, random, x.name, [features, x.features]), features };
}

function activation(b: OnnxBuilder, random: Seeded, { name }: Value): string {
  return ACTIVATIONS[random.pick(activationsOf(b.opset))]!.write(b, name);
}

function maybeNorm(b: OnnxBuilder, random: Seeded, { name, features }: Value): string {
  const kind = random.uniform();
  if (kind < 0.1) return layerNormalization(b, random, name, features);
  return kind < 0.35 ? batchNormalization(b, random, name, features) : name;
}

function maybeScale(b: OnnxBuilder, random: Seeded, { name, features }: Value): string {
  return random.uniform() < 0.2 ? scaleAndShift(b, random, name, features) : name;
}

function maybeNoise(b: OnnxBuilder, random: Seeded, { name, features }: Value): string {
  return random.uniform() < 0.3 ? noise(b, random, name, features) : name;
}

function residual(b: OnnxBuilder, random: Seeded, x: Value, depth: number): Value {
  const inner = linear(b, random, block(b, random, x, depth), x.features);
  const operator = random.pick(['Add', 'Add', 'Sub', 'Sum']);
  const inputs = random.pick([
    [x.name, inner.name],
    [inner.name, x.name],
  ]);
  return { ...x, name: b.node(operator, inputs) };
}

function concat(b: OnnxBuilder, random: Seeded, x: Value, depth: number): Value {
  const branches = Array.from({ length: random.integer(2, 3) }, () =>
    random.uniform() < 0.2 ? x : block(b, random, x, depth),
  );
  const features = branches.reduce((sum, branch) => sum + branch.features, 0);
  const inputs = branches.map(({ name }) => name);
  const axis = b.opset >= 11 && random.uniform() < 0.5 ? -1 : 1;
  return { name: b.node('Concat', inputs, { axis: { int: axis } }), features };
}
