// One fixed model, quantized in three ways, on fixed rows. Prints what ran it and a hash of all output bits.
const { createHash } = require('node:crypto');

const FEATURES = [30, 96, 40, 7];
const ROWS = 65;

module.exports = async function inference({ calibrate, kernels, linear, MLP, QuantizedMLP, quantize, relu }) {
  const layers = FEATURES.slice(1).flatMap((outFeatures, i) => [
    linear({ inFeatures: FEATURES[i], outFeatures }),
    relu(),
  ]);
  const float = new MLP(layers.slice(0, -1), { seed: 5 });
  const rows = Float32Array.from({ length: ROWS * FEATURES[0] }, (_, i) => ((i * 7919) % 2048) / 512 - 2);
  const ranges = await calibrate(float, rows, { method: 'mse' });
  const made = quantize(float, ranges);
  const models = [
    float,
    await QuantizedMLP.load(made.toBytes()),
    quantize(float, null, { mode: 'dynamic' }),
    quantize(float, ranges, { output: 'int8' }),
  ];
  const hash = createHash('sha256');
  for (const model of models)
    hash.update(model.runSync(rows)).update(await model.run(rows.slice(0, FEATURES[0])));
  const { active, available } = kernels();
  console.log(JSON.stringify({ node: process.version, active, available, hash: hash.digest('hex') }));
};
