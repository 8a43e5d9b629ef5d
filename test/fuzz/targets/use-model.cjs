// What must hold for every file that `load` accepts: it runs, saves, and loads as the same model.
const { load } = require('../build/requant/dist/models/load.js');
const { acceptAsync, sameBits } = require('./outcome.cjs');

const LOAD_CODES = ['ERR_FORMAT', 'ERR_VERSION', 'ERR_LIMIT', 'ERR_OVERFLOW', 'ERR_UNSUPPORTED'];
const RUN_CODES = ['ERR_NAN_INPUT'];
const ROWS = 3;
/** Wider models are loaded only: the fuzzer is to look for errors, not for memory. */
const MAX_VALUES = 2 ** 20;

/** `codes`: what else `load` may refuse with. */
exports.useModel = async function useModel(bytes, options, codes = []) {
  const model = await acceptAsync([...LOAD_CODES, ...codes], () => load(bytes, options));
  if (model === undefined) return;
  const saved = model.toBytes();
  const again = await load(saved);
  sameBits('saved twice', saved, again.toBytes());
  if (isSmall(model)) await compareRuns(model, again);
  again.dispose();
  model.dispose();
};

function isSmall({ inFeatures, outFeatures, graph }) {
  const features = [...graph.values.values()].reduce((sum, value) => sum + value.features, 0);
  return features + inFeatures + outFeatures <= MAX_VALUES;
}

async function compareRuns(model, again) {
  const rows = Float32Array.from({ length: ROWS * model.inFeatures }, (_, i) => Math.sin(i) * 3);
  const sync = await acceptAsync(RUN_CODES, () => model.runSync(rows));
  const async = await acceptAsync(RUN_CODES, () => model.run(rows));
  const second = await acceptAsync(RUN_CODES, () => again.runSync(rows));
  if (sync === undefined && async === undefined && second === undefined) return;
  sameBits('run and runSync', sync, async);
  sameBits('the saved model', sync, second);
}
