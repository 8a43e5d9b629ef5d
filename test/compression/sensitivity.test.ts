import { expect, it } from 'vitest';
import { sensitivity } from '../../lib/compression/sensitivity';
import { calibrate, MLP, quantize, relu } from '../../lib/index';
import { expectRejection } from '../support/errors';
import { randomLinear, sqnr } from '../support/models';
import { Seeded } from '../support/random';

const random = new Seeded(1401);
const rows = random.normals(10 * 200);
const model = new MLP([
  randomLinear(random, 10, 20, 'a'),
  relu(),
  { ...randomLinear(random, 20, 20, 'b'), quantization: { bits: 2 } },
  relu(),
  randomLinear(random, 20, 4, 'c'),
]);

it('ranks layers by what quantizing each alone does to the output', async () => {
  const calibration = await calibrate(model, rows, { method: 'minmax' });
  const ranking = await sensitivity(model, calibration, { quantize: { output: 'uint8' } });
  expect(ranking.map(({ layer }) => layer)[0]).toBe('b');
  expect(ranking.map(({ noise }) => noise)).toEqual(ranking.map(({ noise }) => noise).sort((x, y) => y - x));
  const reference = model.runSync(rows);
  for (const { layer, sqnrDb } of ranking) {
    const others = ['a', 'b', 'c'].filter((name) => name !== layer);
    const layers = Object.fromEntries(others.map((name) => [name, { format: 'float32' as const }]));
    using quantized = quantize(model, calibration, { layers });
    expect(sqnrDb).toBeCloseTo(sqnr(reference, quantized.runSync(rows)), 6);
  }
});

it('refuses what it cannot use', async () => {
  const calibration = await calibrate(model, rows, { method: 'minmax', keepRows: 0 });
  await expectRejection(sensitivity(model, calibration), 'ERR_ARGUMENT', /keepRows/);
  await expectRejection(sensitivity({} as MLP, calibration), 'ERR_MODEL_KIND');
  await expectRejection(sensitivity(model, calibration, { rows } as object), 'ERR_ARGUMENT');
});
