import fc from 'fast-check';
import { expect } from 'vitest';
import {
  clip,
  concat,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  type Layer,
  layerNorm,
  leakyRelu,
  linear,
  logSoftmax,
  type MLP,
  relu,
  relu6,
  residual,
  sigmoid,
  silu,
  softmax,
  tanh,
} from '../../lib/index';
import type { ConcatLayer, ResidualLayer } from '../../lib/layers/branches';
import { type ElementwiseLayer, isElementwiseOp } from '../../lib/layers/elementwise';
import type { LinearLayer } from '../../lib/layers/linear';
import type { LayerNormLayer } from '../../lib/layers/row-functions';
import * as functions from './functions';
import type { Seeded } from './random';

/** Every elementwise layer, with parameters of its own where it has some. */
export const ACTIVATIONS: Readonly<Record<string, () => Layer>> = {
  relu,
  relu6,
  clip: () => clip(-0.75, 1.5),
  leakyRelu: () => leakyRelu(0.1),
  elu: () => elu(0.7),
  hardSigmoid: () => hardSigmoid(0.25, 0.4),
  hardSwish,
  sigmoid,
  tanh,
  gelu: () => gelu(),
  geluTanh: () => gelu('tanh'),
  silu,
};

/** A linear layer with normal weights that keep the size of what flows through. */
export function randomLinear(random: Seeded, inFeatures: number, outFeatures: number, name?: string): Layer {
  return linear({
    inFeatures,
    outFeatures,
    weight: random.normals(inFeatures * outFeatures, Math.sqrt(2 / inFeatures)),
    bias: random.normals(outFeatures, 0.3),
    ...(name !== undefined && { name }),
  });
}

/** A layer norm with weights around 1. */
export function randomLayerNorm(random: Seeded, features: number, epsilon?: number): Layer {
  return layerNorm({
    features,
    weight: random.normals(features, 0.5).map((w) => 1 + w),
    bias: random.normals(features, 0.3),
    ...(epsilon !== undefined && { epsilon }),
  });
}

/** Linear layers of these widths with an activation between them. */
export function randomChain(
  random: Seeded,
  widths: readonly number[],
  activation: () => Layer = relu,
): Layer[] {
  return widths.slice(1).flatMap((out, i) => {
    const layer = randomLinear(random, widths[i]!, out, `fc${i + 1}`);
    return i === 0 ? [layer] : [activation(), layer];
  });
}

/** One row through the layers in float64. */
export function evaluate(layers: readonly Layer[], row: readonly number[]): number[] {
  return layers.reduce<number[]>((x, layer) => evaluateLayer(layer, x), [...row]);
}

function evaluateLayer(layer: Layer, x: number[]): number[] {
  if (isElementwiseOp(layer.type)) {
    const { type, attributes } = layer as ElementwiseLayer;
    return x.map((v) => functions.FUNCTIONS[type](v, attributes));
  }
  switch (layer.type) {
    case 'linear': {
      const { inFeatures, outFeatures, weight, bias } = layer as LinearLayer;
      return Array.from({ length: outFeatures }, (_, n) =>
        x.reduce(
          (sum, v, k) => sum + v * weight![n * inFeatures + k]!,
          typeof bias === 'boolean' ? 0 : bias[n]!,
        ),
      );
    }
    case 'residual': {
      const inner = evaluate((layer as ResidualLayer).layers, x);
      return x.map((v, i) => v + inner[i]!);
    }
    case 'concat':
      return (layer as ConcatLayer).branches.flatMap((branch) => evaluate(branch, x));
    case 'layerNorm': {
      const { epsilon, weight, bias } = layer as LayerNormLayer;
      return functions.layerNorm(x, epsilon).map((v, i) => v * (weight?.[i] ?? 1) + (bias?.[i] ?? 0));
    }
    case 'softmax':
      return functions.softmax(x);
    case 'logSoftmax':
      return functions.logSoftmax(x);
    default:
      throw new Error(`no reference for ${layer.type}`);
  }
}

/** All rows of a model through the layers in float64. */
export function evaluateRows(model: MLP, rows: Float32Array): number[] {
  const { inFeatures } = model;
  return Array.from({ length: rows.length / inFeatures }, (_, i) =>
    evaluate(model.layers, [...rows.subarray(i * inFeatures, (i + 1) * inFeatures)]),
  ).flat();
}

/** Signal-to-quantization-noise ratio in dB. */
export function sqnr(reference: ArrayLike<number>, actual: ArrayLike<number>): number {
  let [signal, noise] = [0, 0];
  for (let i = 0; i < reference.length; i++) {
    signal += reference[i]! ** 2;
    noise += (reference[i]! - actual[i]!) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

/** |actual − expected| ≤ tolerance · max(1, |expected|) */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!) / Math.max(1, Math.abs(expected[i]!));
    if (!(error <= tolerance))
      expect.fail(`index ${i}: ${actual[i]} is not within ${tolerance} of ${expected[i]}`);
  }
}

interface Sized {
  readonly layers: readonly Layer[];
  readonly features: number;
}

const activation = fc.constantFrom(...Object.values(ACTIVATIONS), softmax, logSoftmax).map((make) => make());

/** Nested chains, residuals and concats; weights are left to the model's seed. */
export const nestedModels: fc.Arbitrary<readonly Layer[]> = fc
  .integer({ min: 1, max: 4 })
  .chain((inFeatures) =>
    fc
      .tuple(fc.constantFrom('chain', 'residual', 'concat'), linearTo(inFeatures, 3), fc.boolean())
      .map(([kind, first, named]): Sized => {
        const layers = named ? [{ ...first, name: 'first' }] : [first];
        if (kind === 'chain') return { layers, features: 3 };
        const square = linear({ inFeatures, outFeatures: inFeatures });
        return kind === 'residual'
          ? { layers: [residual([square])], features: inFeatures }
          : { layers: [concat([[], layers])], features: inFeatures + 3 };
      }),
  )
  .chain(({ layers, features }) => sequence(features, 2).map((rest) => [...layers, ...rest.layers]));

function linearTo(inFeatures: number, outFeatures: number): fc.Arbitrary<Layer> {
  return fc.boolean().map((bias) => linear({ inFeatures, outFeatures, bias }));
}

function sequence(features: number, depth: number): fc.Arbitrary<Sized> {
  return fc.integer({ min: 0, max: 3 }).chain((length) => steps({ layers: [], features }, length, depth));
}

function steps(before: Sized, length: number, depth: number): fc.Arbitrary<Sized> {
  if (length === 0) return fc.constant(before);
  return step(before.features, depth).chain(({ layers, features }) =>
    steps({ layers: [...before.layers, ...layers], features }, length - 1, depth),
  );
}

/** Weights of another size in each feature. */
function norm(features: number): Layer {
  const weight = Float32Array.from({ length: features }, (_, i) => 0.5 + i / 4);
  return layerNorm({ features, weight, bias: weight.map((w) => 1 - w), epsilon: 0.1 });
}

function step(features: number, depth: number): fc.Arbitrary<Sized> {
  const plain = [
    activation.map((layer): Sized => ({ layers: [layer], features })),
    fc
      .constantFrom(norm(features), layerNorm({ features }))
      .map((layer): Sized => ({ layers: [layer], features })),
    fc
      .integer({ min: 1, max: 5 })
      .chain((out) => linearTo(features, out).map((l): Sized => ({ layers: [l], features: out }))),
  ];
  if (depth === 0) return fc.oneof(...plain);
  const inner = sequence(features, depth - 1);
  const residuals = inner.map(({ layers, features: out }): Sized => {
    const back = out === features ? [] : [linear({ inFeatures: out, outFeatures: features })];
    return { layers: [residual([...layers, ...back])], features };
  });
  const concats = fc.array(inner, { minLength: 1, maxLength: 3 }).map(
    (branches): Sized => ({
      layers: [concat(branches.map(({ layers }) => layers))],
      features: branches.reduce((sum, branch) => sum + branch.features, 0),
    }),
  );
  return fc.oneof(...plain, residuals, concats);
}
