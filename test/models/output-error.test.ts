import { expect, it } from 'vitest';
import { calibrate, MLP, quantize, relu } from '../../lib/index';
import { outputError } from '../../lib/models/output-error';
import { randomChain } from '../support/models';
import { Seeded } from '../support/random';

const rows = new Seeded(1701).normals(6 * 50);

it('is Σ(int8 − float)² over the outputs', async () => {
  const model = new MLP(randomChain(new Seeded(1702), [6, 12, 3], relu));
  const calibration = await calibrate(model, rows, { method: 'minmax' });
  using int8 = quantize(model, calibration);
  const reference = model.runSync(rows);
  const error = int8.runSync(rows).reduce((sum, y, i) => sum + (y - reference[i]!) ** 2, 0);
  expect(outputError(model, rows)(calibration)).toBe(error);
});

it('is undefined where there is no static int8 form', async () => {
  const layers = randomChain(new Seeded(1703), [6, 3], relu);
  const model = new MLP([{ ...layers[0]!, quantization: { format: 'int4' } }]);
  const calibration = await calibrate(model, rows, { method: 'minmax' });
  expect(outputError(model, rows)(calibration)).toBeUndefined();
});
