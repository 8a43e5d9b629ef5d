// Model files as they are: by their own layers, and as a checkpoint of some training program.
const { useModel } = require('./use-model.cjs');

exports.fuzz = async function fuzz(bytes) {
  // A checkpoint asks for an activation, and a file with layers refuses one.
  await useModel(bytes, undefined, ['ERR_ARGUMENT']);
  await useModel(bytes, { activation: 'relu' }, ['ERR_ARGUMENT', 'ERR_SHAPE']);
};
