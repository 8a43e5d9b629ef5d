import { describe, expect, it } from 'vitest';
import { equalize } from '../../lib/compression/equalize';
import { floatWeight, linearNodes } from '../../lib/compression/rebuild';
import { calibrate, concat, gelu, leakyRelu, linear, MLP, quantize, relu, residual } from '../../lib/index';
import { expectSameBytes } from '../support/bytes';
import { expectRejection } from '../support/errors';
import { ACTIVATIONS, expectClose, randomChain, randomLinear, sqnr } from '../support/models';
import { Seeded } from '../support/random';

const WIDTHS = [16, 32, 24, 8];
const rows = new Seeded(1001).normals(16 * 300);

/** A chain whose hidden features were rescaled by up to 2^±6: the same function, hard to quantize per tensor. */
function rescaled(): MLP {
  const random = new Seeded(1002);
  const { graph } = new MLP(randomChain(random, WIDTHS, relu));
  const linears = linearNodes(graph);
  linears.slice(0, -1).forEach((first, i) => {
    const [w1, w2] = [floatWeight(first), floatWeight(linears[i + 1]!)];
    const features = WIDTHS[i + 1]!;
    const inFeatures = WIDTHS[i]!;
    for (let n = 0; n < features; n++) {
      const s = 2 ** (((n * 5) % 13) - 6);
      for (let k = 0; k < inFeatures; k++) w1[n * inFeatures + k]! *= s;
      first.bias![n]! *= s;
      for (let m = n; m < w2.length; m += features) w2[m]! /= s;
    }
  });
  return MLP.fromGraph(graph);
}

const maxima = (w: Float32Array, rowLength: number) => {
  const [rowMax, columnMax] = [new Float64Array(w.length / rowLength), new Float64Array(rowLength)];
  w.forEach((x, i) => {
    const [n, k] = [Math.floor(i / rowLength), i % rowLength];
    rowMax[n] = Math.max(rowMax[n]!, Math.abs(x));
    columnMax[k] = Math.max(columnMax[k]!, Math.abs(x));
  });
  return { rowMax, columnMax };
};

describe('equalize', () => {
  it('makes the ranges of rows and columns equal, and leaves the function and its argument alone', async () => {
    const model = rescaled();
    const before = model.toBytes();
    const equalized = await equalize(model);
    expect(model.toBytes()).toEqual(before);
    expectClose(equalized.runSync(rows), model.runSync(rows), 1e-4);
    const linears = linearNodes(equalized.graph);
    for (let i = 0; i + 1 < linears.length; i++) {
      const { rowMax } = maxima(floatWeight(linears[i]!), WIDTHS[i]!);
      const { columnMax } = maxima(floatWeight(linears[i + 1]!), WIDTHS[i + 1]!);
      rowMax.forEach((r, n) => {
        expect(Math.abs(r / columnMax[n]! - 1)).toBeLessThan(0.01);
      });
    }
    expect(equalized.graph.record).toEqual([
      {
        step: 'equalize',
        pairs: [
          ['fc1', 'fc2'],
          ['fc2', 'fc3'],
        ],
      },
    ]);
  });

  it('regains what one scale a layer loses on rescaled features', async () => {
    const model = rescaled();
    const equalized = await equalize(model);
    const reference = model.runSync(rows);
    const score = async (float: MLP) => {
      const ranges = await calibrate(float, rows, { method: 'minmax' });
      using int8 = quantize(float, ranges, { weights: 'per-tensor' });
      return sqnr(reference, int8.runSync(rows));
    };
    const [lost, regained] = [await score(model), await score(equalized)];
    expect(lost).toBeLessThan(20);
    expect(regained).toBeGreaterThan(30);
  });

  it('with powers of two moves no bit', async () => {
    const model = rescaled();
    const equalized = await equalize(model, { powersOfTwo: true });
    expect(floatWeight(linearNodes(equalized.graph)[0]!)).not.toEqual(
      floatWeight(linearNodes(model.graph)[0]!),
    );
    expectSameBytes(equalized.runSync(rows), model.runSync(rows));
  });

  it('goes through leakyRelu, and not through what does not scale or has other readers', async () => {
    const random = new Seeded(1003);
    const dense = (name: string, from = 6, to = 6) => randomLinear(random, from, to, name);
    const pairsOf = async (layers: ConstructorParameters<typeof MLP>[0]) =>
      (await equalize(new MLP(layers))).graph.record[0]!['pairs'];
    expect(await pairsOf([dense('a'), leakyRelu(0.1), dense('b'), dense('c')])).toEqual([
      ['a', 'b'],
      ['b', 'c'],
    ]);
    expect(await pairsOf([dense('a'), gelu(), dense('b')])).toEqual([]);
    expect(await pairsOf([dense('a'), ACTIVATIONS['relu6']!(), dense('b')])).toEqual([]);
    expect(await pairsOf([dense('a'), residual([dense('b')])])).toEqual([]);
    expect(await pairsOf([dense('a'), concat([[dense('b')], [dense('c')]]), dense('d', 12)])).toEqual([]);
    expect(await pairsOf([residual([dense('a'), relu(), dense('b')])])).toEqual([['a', 'b']]);
  });

  it('leaves dead features alone', async () => {
    const weight = Float32Array.of(0, 0, 1, 2);
    const model = new MLP([
      linear({ inFeatures: 2, outFeatures: 2, weight, name: 'a' }),
      linear({ inFeatures: 2, outFeatures: 1, weight: Float32Array.of(3, 0), name: 'b' }),
    ]);
    expect((await equalize(model)).runSync(Float32Array.of(1, 1))).toEqual(
      model.runSync(Float32Array.of(1, 1)),
    );
  });

  it('refuses what it cannot do', async () => {
    const model = rescaled();
    await expectRejection(equalize({} as MLP), 'ERR_MODEL_KIND');
    await expectRejection(equalize(model, { powersOfTwo: 1 } as object), 'ERR_ARGUMENT');
    await expectRejection(equalize(model, { power: 1 } as object), 'ERR_ARGUMENT');
    const chosen = model.layers.map((layer, i) =>
      i === 0 ? { ...layer, quantization: { scale: Float32Array.of(1) } } : layer,
    );
    await expectRejection(equalize(new MLP(chosen)), 'ERR_UNSUPPORTED', /'fc1'/);
    const abort = AbortSignal.abort(new Error('enough'));
    await expect(equalize(model, { signal: abort })).rejects.toThrow('enough');
  });
});
