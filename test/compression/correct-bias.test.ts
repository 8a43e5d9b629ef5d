import { beforeAll, describe, expect, it } from 'vitest';
import { correctBias } from '../../lib/compression/correct-bias';
import { linearNodes } from '../../lib/compression/rebuild';
import {
  type Calibration,
  calibrate,
  gelu,
  linear,
  MLP,
  type QuantizeOptions,
  quantize,
  relu,
  residual,
} from '../../lib/index';
import { expectRejection } from '../support/errors';
import { randomLinear } from '../support/models';
import { Seeded } from '../support/random';

const random = new Seeded(1301);
/** Inputs far from 0: the mean of the weights' errors counts. */
const rows = random.normals(12 * 600).map((x) => x * 0.3 + 2);
const model = new MLP([
  randomLinear(random, 12, 40, 'a'),
  relu(),
  randomLinear(random, 40, 24, 'b'),
  gelu(),
  residual([randomLinear(random, 24, 24, 'c')]),
  linear({ name: 'd', inFeatures: 24, outFeatures: 5, weight: random.normals(120), bias: false }),
]);
let calibration: Calibration;

beforeAll(async () => {
  calibration = await calibrate(model, rows, { method: 'minmax' });
});

/** Of each output over the rows: mean of quantized − float. */
function shift(float: MLP, options: QuantizeOptions): number {
  using quantized = quantize(float, calibration, options);
  const [y, reference] = [quantized.runSync(rows), model.runSync(rows)];
  const sums = new Float64Array(5);
  y.forEach((x, i) => {
    sums[i % 5]! += (x - reference[i]!) / 600;
  });
  return Math.max(...sums.map(Math.abs));
}

describe('correctBias', () => {
  it.each<QuantizeOptions>([
    { bits: 4 },
    { bits: 3, weights: 'per-tensor', mode: 'dynamic' },
    { bits: 3, inputs: 'per-feature' },
    { mode: 'weight-only', format: 'int4' },
    { bits: 4, layers: { b: { format: 'float32' } } },
  ])('takes the mean output back to the float model’s: %j', async (options) => {
    const corrected = await correctBias(model, calibration, { quantize: options });
    expect(shift(corrected, options)).toBeLessThan(shift(model, options) / 50);
  });

  it('changes biases alone, and adds one where there was none', async () => {
    const before = model.toBytes();
    const corrected = await correctBias(model, calibration, { quantize: { bits: 4 } });
    expect(model.toBytes()).toEqual(before);
    linearNodes(corrected.graph).forEach(({ weight, bias }, i) => {
      expect(weight).toEqual(linearNodes(model.graph)[i]!.weight);
      expect(bias).not.toEqual(linearNodes(model.graph)[i]!.bias);
    });
    expect(corrected.graph.record).toMatchObject([
      { step: 'correctBias', largestShift: { a: expect.any(Number) } },
    ]);
  });

  it('reports layer by layer', async () => {
    const seen: number[] = [];
    await correctBias(model, calibration, { onProgress: ({ done }) => void seen.push(done) });
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  it('refuses what it cannot use', async () => {
    await expectRejection(correctBias({} as MLP, calibration), 'ERR_MODEL_KIND');
    await expectRejection(correctBias(model, null as never), 'ERR_ARGUMENT', /kept/);
    await expectRejection(correctBias(model, calibration, { bits: 4 } as object), 'ERR_ARGUMENT');
    await expectRejection(
      correctBias(model, calibration, { quantize: { mode: 'x' } as object }),
      'ERR_ARGUMENT',
    );
  });
});
