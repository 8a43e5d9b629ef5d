import { describe, expect, it } from 'vitest';
import { type LoadOptions, load, MLP, QuantizedMLP, quantize } from '../../lib/index';
import { expectRejection } from '../support/errors';
import { randomChain } from '../support/models';
import { Seeded } from '../support/random';

const float = new MLP(randomChain(new Seeded(111), [3, 4, 2]));
const quantized = quantize(float, null, { mode: 'dynamic' });
const rows = new Seeded(112).normals(3 * 5);
const untyped = <T>(value: unknown) => value as T;

describe('kinds', () => {
  it('load takes either', async () => {
    expect(await load(float.toBytes())).toBeInstanceOf(MLP);
    expect(await load(quantized.toBytes())).toBeInstanceOf(QuantizedMLP);
  });

  it('each class its own, the other is ERR_MODEL_KIND', async () => {
    expect((await MLP.load(float.toBytes())).runSync(rows)).toEqual(float.runSync(rows));
    expect((await QuantizedMLP.load(quantized.toBytes())).runSync(rows)).toEqual(quantized.runSync(rows));
    await expectRejection(MLP.load(quantized.toBytes()), 'ERR_MODEL_KIND', /float model.*quantized/);
    await expectRejection(QuantizedMLP.load(float.toBytes()), 'ERR_MODEL_KIND', /quantized model.*float/);
  });
});

describe('options', () => {
  it('hold for the model', async () => {
    for (const bytes of [float.toBytes(), quantized.toBytes()]) {
      using model = await load(bytes, { maxQueue: 1, threads: 1 });
      const first = model.run(rows);
      await expectRejection(model.run(rows), 'ERR_QUEUE_FULL');
      await first;
    }
    using lenient = await QuantizedMLP.load(quantized.toBytes(), { onNaN: 'zero' });
    expect(lenient.runSync(Float32Array.of(Number.NaN, 1, 2))).toEqual(
      lenient.runSync(Float32Array.of(0, 1, 2)),
    );
  });

  it.each([{ thread: 1 }, { threads: 0 }, { onNaN: 'x' }, { maxQueue: -1 }, null, 'relu'])(
    'refuses %o',
    async (options) => {
      const wrong = untyped<LoadOptions>(options);
      for (const action of [load, MLP.load, QuantizedMLP.load]) {
        await expectRejection(action(float.toBytes(), wrong), 'ERR_ARGUMENT');
      }
    },
  );
});
