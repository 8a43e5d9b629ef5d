import { describe, expect, it } from 'vitest';
import { floatWeight, linearNodes } from '../../lib/compression/rebuild';
import { smoothQuant } from '../../lib/compression/smooth-quant';
import {
  calibrate,
  concat,
  gelu,
  type Layer,
  layerNorm,
  MLP,
  quantize,
  relu,
  residual,
} from '../../lib/index';
import type { LinearLayer } from '../../lib/layers/linear';
import { expectRejection } from '../support/errors';
import { expectClose, randomLinear, sqnr } from '../support/models';
import { Seeded } from '../support/random';

const rows = new Seeded(1101).normals(16 * 400);

/** The rows of a layer's weights and its biases for some features times a factor. */
function louder(layer: Layer, features: readonly number[], factor: number): Layer {
  const { weight, bias, inFeatures } = layer as LinearLayer;
  const at = (n: number) => (features.includes(n) ? factor : 1);
  return {
    ...layer,
    weight: weight!.map((x, i) => x * at(Math.floor(i / inFeatures))),
    bias: (bias as Float32Array).map((x, n) => x * at(n)),
  } as LinearLayer;
}

/** Two features of the hidden activations are 64 times as large as the others, and read with weights 64 times as small. */
function outliers(): MLP {
  const random = new Seeded(1102);
  const second = randomLinear(random, 32, 8, 'fc2') as LinearLayer;
  const weight = second.weight!.map((x, i) => ([3, 17].includes(i % 32) ? x / 64 : x));
  const quiet = { ...second, weight } as Layer;
  return new MLP([louder(randomLinear(random, 16, 32, 'fc1'), [3, 17], 64), relu(), quiet]);
}

describe('smoothQuant', () => {
  it('divides features by s_j = max|X_j|^α / max|W_j|^(1 − α) and leaves the function alone', async () => {
    const model = outliers();
    const calibration = await calibrate(model, rows, { method: 'minmax' });
    const hidden = new Float64Array(32);
    model.observe(rows, (name, data) => {
      if (name !== '1') return;
      data.forEach((x, i) => {
        hidden[i % 32] = Math.max(hidden[i % 32]!, x);
      });
    });
    const before = linearNodes(model.graph).map(floatWeight);
    for (const alpha of [0, 0.25, 0.5, 1]) {
      const smooth = await smoothQuant(model, calibration, { alpha });
      const after = linearNodes(smooth.graph).map(floatWeight);
      for (let j = 0; j < 32; j++) {
        const column = before[1]!.filter((_, i) => i % 32 === j).map(Math.abs);
        const s = hidden[j]! ** alpha / Math.max(...column) ** (1 - alpha);
        expect(after[0]![16 * j]! / (before[0]![16 * j]! / s)).toBeCloseTo(1, 4);
        expect(after[1]![j]! / (before[1]![j]! * s)).toBeCloseTo(1, 4);
      }
      expectClose(smooth.runSync(rows), model.runSync(rows), 1e-4);
      expect(smooth.graph.record).toEqual([
        {
          step: 'smoothQuant',
          alpha,
          smoothed: [['fc1', 'fc2']],
          skipped: [{ value: 'input', reason: "it is the model's input" }],
        },
      ]);
    }
  });

  it.each(['static', 'dynamic'] as const)('regains what outliers of activations lose: %s', async (mode) => {
    const model = outliers();
    const calibration = await calibrate(model, rows, { method: 'minmax' });
    const smooth = await smoothQuant(model, calibration);
    const reference = model.runSync(rows);
    const score = async (float: MLP) => {
      using int8 = quantize(float, await calibrate(float, rows, { method: 'minmax' }), { mode });
      return sqnr(reference, int8.runSync(rows));
    };
    expect(await score(smooth)).toBeGreaterThan((await score(model)) + 6);
  });

  it('folds into a layer norm, for all that read it', async () => {
    const random = new Seeded(1103);
    const norm = { ...layerNorm({ features: 16, bias: random.normals(16) }), name: 'norm' };
    const branches = concat([[randomLinear(random, 16, 6, 'a')], [randomLinear(random, 16, 5, 'b')]]);
    const model = new MLP([norm, branches]);
    const smooth = await smoothQuant(model, await calibrate(model, rows, { method: 'minmax' }));
    expectClose(smooth.runSync(rows), model.runSync(rows), 1e-4);
    expect(smooth.graph.record[0]).toMatchObject({ smoothed: [['norm', 'a', 'b']] });
    expect(smooth.layers[0]).not.toHaveProperty('weight', undefined);
  });

  it('skips what it cannot fold, and says so', async () => {
    const random = new Seeded(1104);
    const square = (name: string) => randomLinear(random, 16, 16, name);
    const model = new MLP([square('a'), gelu(), square('b'), residual([square('c')])]);
    const smooth = await smoothQuant(model, await calibrate(model, rows, { method: 'minmax' }));
    expect(smooth.runSync(rows)).toEqual(model.runSync(rows));
    expect(smooth.graph.record[0]).toMatchObject({
      smoothed: [],
      skipped: [
        { value: 'input', reason: "it is the model's input" },
        { value: '1', reason: "it comes from '1' (gelu)" },
        { value: 'b', reason: 'other layers read the value too' },
      ],
    });
  });

  it('refuses what it cannot use', async () => {
    const model = outliers();
    const calibration = await calibrate(model, rows, { method: 'minmax', keepRows: 0 });
    await expectRejection(smoothQuant(model, calibration), 'ERR_ARGUMENT', /keepRows/);
    const kept = await calibrate(model, rows, { method: 'minmax' });
    await expectRejection(smoothQuant(model, kept, { alpha: 2 }), 'ERR_ARGUMENT', /alpha/);
    await expectRejection(smoothQuant({} as MLP, kept), 'ERR_MODEL_KIND');
    await expect(smoothQuant(model, kept, { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow(
      'no',
    );
  });
});
