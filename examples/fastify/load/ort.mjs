// onnxruntime-node in the place of requant's models: the same service around it. It is installed in bench/, not here.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { MicroBatcher } from 'requant/serving';

process.env.ORT_DISABLE_TELEMETRY = '1'; // read when it loads

/** As much of requant's Model as serving takes. */
class OrtModel {
  kind = 'quantized';
  stages = [];

  constructor(session, Tensor, { inFeatures, outFeatures }) {
    Object.assign(this, { session, Tensor, inFeatures, outFeatures });
    this.input = { features: inFeatures, dtype: 'float32' };
    this.output = { features: outFeatures, dtype: 'float32' };
  }

  async run(input) {
    const { session, Tensor, inFeatures } = this;
    // `session.run` reads its input in a later turn.
    const tensor = new Tensor('float32', input.slice(), [input.length / inFeatures, inFeatures]);
    const results = await session.run({ [session.inputNames[0]]: tensor });
    return results[session.outputNames[0]].data;
  }

  dispose() {
    this.session.release();
  }
}

async function openOrt({ file, threads, inFeatures, outFeatures }) {
  const require = createRequire(new URL('../../../bench/package.json', import.meta.url));
  const { InferenceSession, Tensor } = require('onnxruntime-node');
  const session = await InferenceSession.create(readFileSync(file), {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    logSeverityLevel: 3,
  });
  return new OrtModel(session, Tensor, { inFeatures, outFeatures });
}

/** What the plugin serves: every request a run of its own. */
export function eachAlone(name, model) {
  return {
    name,
    model,
    stats: { queued: 0, running: 0 },
    run: async (input, options) => ({ name, outputs: await model.run(input, options) }),
    close: async () => model.dispose(),
  };
}

/** The same model behind the same batcher. */
function batched(name, model, options) {
  const batcher = new MicroBatcher(model, { ...options, maxBlockMs: 0 });
  return {
    name,
    model,
    get stats() {
      return batcher.stats;
    },
    run: async (input, runOptions) => ({ name, outputs: await batcher.run(input, runOptions) }),
    async close() {
      await batcher.close();
      model.dispose();
    },
  };
}

/** For `open` of the plugin. */
export const ortOpener = (settings, merges) => async (_, name, options) => {
  const model = await openOrt(settings);
  return merges ? batched(name, model, options) : eachAlone(name, model);
};
