import { describe, expect, it } from 'vitest';
import { prepare } from '../../lib/compression/pipeline';
import { calibrate, MLP, relu } from '../../lib/index';
import { randomChain } from '../support/models';
import { Seeded } from '../support/random';

const model = new MLP(randomChain(new Seeded(1901), [6, 12, 12, 3], relu));
const rows = new Seeded(1902).normals(6 * 100);

describe('prepare', () => {
  it('applies the methods in the order that fits, each calibrated on what comes before it', async () => {
    const seen: MLP[] = [];
    const calibrateIt = (float: MLP) => {
      seen.push(float);
      return calibrate(float, rows, { method: 'minmax' });
    };
    const methods = {
      mixedPrecision: { maxDrop: 0 },
      correctBias: true,
      smoothQuant: 0.5,
      equalize: true,
    };
    const { model: prepared, calibration } = await prepare(
      model,
      calibrateIt,
      methods,
      { bits: 2 },
      { seed: 1 },
    );
    const steps = (float: MLP) => float.graph.record.map(({ step }) => step);
    expect(steps(prepared)).toEqual(['equalize', 'smoothQuant', 'mixedPrecision', 'correctBias']);
    expect(seen.map(steps)).toEqual([['equalize'], ['equalize', 'smoothQuant']]);
    expect(calibration!.ranges).toEqual((await calibrate(seen[1]!, rows, { method: 'minmax' })).ranges);
  });

  it('prunes before all else, on the rows that are kept', async () => {
    const calibrateIt = (float: MLP) => calibrate(float, rows, { method: 'minmax' });
    const methods = { prune: { sparsity: 0.5, unit: 'neuron' }, equalize: true } as const;
    const { model: prepared } = await prepare(model, calibrateIt, methods, {}, {});
    expect(prepared.graph.record).toMatchObject([{ step: 'prune', rows: 100 }, { step: 'equalize' }]);
    expect(prepared.layers).toMatchObject([
      { outFeatures: 6 },
      {},
      { outFeatures: 6 },
      {},
      { outFeatures: 3 },
    ]);
  });

  it('calibrates only where it has to', async () => {
    const never = () => {
      throw new Error('not asked for');
    };
    expect(await prepare(model, never, {}, { mode: 'dynamic' }, {})).toEqual({ model, calibration: null });
  });
});
