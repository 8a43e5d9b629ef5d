// ONNX files as they are: what is imported runs, saves, and loads as the same model.
const { importOnnx } = require('../build/requant/dist/onnx.js');
const { acceptAsync } = require('./outcome.cjs');
const { useModel } = require('./use-model.cjs');

const CODES = ['ERR_FORMAT', 'ERR_VERSION', 'ERR_LIMIT', 'ERR_UNSUPPORTED', 'ERR_SHAPE', 'ERR_ARGUMENT'];
/** What tensors in other files are read from. */
const EXTERNAL = Uint8Array.from({ length: 64 }, (_, i) => i);

exports.fuzz = async function fuzz(bytes) {
  const options = { externalData: async () => EXTERNAL };
  const model = await acceptAsync(CODES, () => importOnnx(bytes, options));
  if (model === undefined) return;
  await useModel(model.toBytes());
  model.dispose();
};
