import { describe, expect, it } from 'vitest';
import {
  calibrate,
  type Layer,
  MLP,
  type QuantizeOptions,
  quantize,
  type Rounding,
  relu,
  relu6,
} from '../../../lib/index';
import type { Tensor } from '../../../lib/tensor';
import { takeApart } from '../../support/files';
import { randomChain, sqnr } from '../../support/models';
import { Seeded } from '../../support/random';
import { requantizeExactly, requantizeFloat32, rne } from '../../support/rounding';

/**
 * A saved chain of linear layers, evaluated in plain JavaScript from docs/numerics.md and docs/model-format.md alone:
 * what `runSync` gives must be the same to the bit.
 */

const f = Math.fround;

interface Codes {
  readonly dtype: 'float32' | 'int8' | 'uint8';
  readonly scale: string;
  readonly zeroPoint: number;
  readonly min?: number;
  readonly max?: number;
}

interface LinearNode {
  readonly inputs: [string];
  readonly output: string;
  readonly mode: 'static' | 'dynamic';
  readonly weight: { tensor: string; scale: string };
  readonly bias?: string;
}

interface Document {
  readonly rounding: Rounding;
  readonly input: string;
  readonly output: string;
  readonly values: Record<string, Codes>;
  readonly nodes: LinearNode[];
}

class Reference {
  private readonly document: Document;
  private readonly tensors: Map<string, Tensor>;

  constructor(bytes: Uint8Array) {
    const { document, tensors } = takeApart(bytes);
    this.document = document as Document;
    this.tensors = tensors;
  }

  /** One row; the output as the codes or the floats that it holds. */
  run(row: Float32Array): number[] {
    const { nodes, input } = this.document;
    const x = this.document.values[input]!;
    const first = x.dtype === 'float32' ? [...row] : Array.from(row, (v) => this.quantize(v, x));
    return nodes.reduce(
      (codes, node) => (node.mode === 'static' ? this.static(node, codes) : this.dynamic(node, codes)),
      first,
    );
  }

  toReal(codes: number[]): number[] {
    const y = this.document.values[this.document.output]!;
    return y.dtype === 'float32' ? codes : codes.map((q) => f(this.scale(y) * f(q - y.zeroPoint)));
  }

  /** z + rne(clamp(fl(x/s))) */
  private quantize(value: number, x: Codes): number {
    const { min, max } = limits(x);
    return (
      x.zeroPoint + rne(Math.min(Math.max(f(value / this.scale(x)), min - x.zeroPoint), max - x.zeroPoint))
    );
  }

  /** acc = b + Σ (x − zx)·w, then codes by the model's rounding or fl(fl(acc) · fl(sx·sw)). */
  private static(node: LinearNode, codes: number[]): number[] {
    const x = this.document.values[node.inputs[0]]!;
    const y = this.document.values[node.output]!;
    return this.columns(node, (w, sw, b) => {
      const acc = w.reduce((sum, weight, k) => sum + (codes[k]! - x.zeroPoint) * weight, b);
      const accumulatorScale = f(this.scale(x) * sw);
      if (y.dtype === 'float32') return f(f(acc) * accumulatorScale);
      const target = { zeroPoint: y.zeroPoint, ...limits(y) };
      const multiplier = f(accumulatorScale / this.scale(y));
      if (this.document.rounding === 'float32') return requantizeFloat32(acc, multiplier, target);
      const { m, s } = fixedPoint(multiplier);
      return requantizeExactly(this.document.rounding, acc, m, s, target);
    });
  }

  /** A row with its own scale and zero point: y = fl(fl(fl(acc)·fl(s·sw)) + b). */
  private dynamic(node: LinearNode, row: number[]): number[] {
    const min = Math.min(0, ...row);
    const max = Math.max(0, ...row);
    const s = f(f(max - min) / 255);
    const z = rne(Math.min(Math.max(f(0 - f(min / s)), 0), 255));
    const codes = row.map((v) => z + rne(Math.min(Math.max(f(v / s), -z), 255 - z)));
    const {
      dtype,
      min: low,
      max: high,
    } = { min: undefined, max: undefined, ...this.document.values[node.output]! };
    expect([dtype, low, high]).toEqual(['float32', undefined, undefined]);
    return this.columns(node, (w, sw, b) => {
      const acc = w.reduce((sum, weight, k) => sum + (codes[k]! - z) * weight, 0);
      return f(f(f(acc) * f(s * sw)) + b);
    });
  }

  private columns(node: LinearNode, column: (w: number[], sw: number, b: number) => number): number[] {
    const { data, shape } = this.tensors.get(node.weight.tensor)!;
    const scales = this.tensors.get(node.weight.scale)!.data;
    const bias = node.bias === undefined ? undefined : this.tensors.get(node.bias)!.data;
    const [out, inFeatures] = shape as [number, number];
    return Array.from({ length: out }, (_, n) =>
      column(
        [...data.subarray(n * inFeatures, (n + 1) * inFeatures)],
        scales[scales.length === 1 ? 0 : n]!,
        bias?.[n] ?? 0,
      ),
    );
  }

  private scale(value: Codes): number {
    return this.tensors.get(value.scale)!.data[0]!;
  }
}

function limits({ dtype, min, max }: Codes): { min: number; max: number } {
  return dtype === 'int8' ? { min: min ?? -128, max: max ?? 127 } : { min: min ?? 0, max: max ?? 255 };
}

/** M = m · 2^−s exactly, m in [2^30, 2^31); below 2^−33 it is 0. */
function fixedPoint(multiplier: number): { m: number; s: number } {
  if (multiplier < 2 ** -33) return { m: 0, s: 63 };
  let [m, s] = [multiplier, 0];
  while (m < 2 ** 30) [m, s] = [m * 2, s + 1];
  return { m, s };
}

const widths = [7, 24, 33, 16, 5];
const chain = (random: Seeded, activation: () => Layer = relu) =>
  new MLP(randomChain(random, widths, activation));

async function compare(model: MLP, random: Seeded, options: QuantizeOptions): Promise<void> {
  const ranges = await calibrate(model, random.normals(7 * 300), { method: 'minmax' });
  using quantized = quantize(model, ranges, options);
  const reference = new Reference(quantized.toBytes());
  const rows = random.normals(7 * 200, 1.3);
  const codes = Array.from({ length: 200 }, (_, i) => reference.run(rows.subarray(7 * i, 7 * i + 7))).flat();
  expect([...quantized.runSync(rows)]).toEqual(reference.toReal(codes));
  if (options.output === 'int8')
    expect([...quantized.runSync(rows, new Int8Array(codes.length))]).toEqual(codes);
  if (options.output === 'uint8')
    expect([...quantized.runSync(rows, new Uint8Array(codes.length))]).toEqual(codes);
  // And the reference is one of this model.
  const least = options.activationBits === 4 ? 5 : 15;
  expect(sqnr(model.runSync(rows), reference.toReal(codes))).toBeGreaterThan(least);
}

describe('to the bit', () => {
  it.each(['half-up', 'half-even', 'gemmlowp', 'float32'] as const)('static, %s', async (rounding) => {
    const random = new Seeded(171);
    await compare(chain(random), random, { rounding });
    await compare(chain(random, relu6), random, { rounding, activations: 'symmetric', output: 'int8' });
    await compare(chain(random), random, { rounding, weights: 'per-tensor', output: 'uint8' });
    await compare(chain(random), random, { rounding, activations: 'symmetric', weights: 'per-tensor' });
    await compare(chain(random), random, { rounding, activationBits: 4 });
    await compare(chain(random), random, { rounding, activationBits: 4, activations: 'symmetric' });
  });

  it('dynamic', async () => {
    const random = new Seeded(172);
    const linearOnly = new MLP(randomChain(random, widths).filter(({ type }) => type === 'linear'));
    await compare(linearOnly, random, { mode: 'dynamic' });
    await compare(linearOnly, random, { mode: 'dynamic', weights: 'per-tensor' });
  });
});
