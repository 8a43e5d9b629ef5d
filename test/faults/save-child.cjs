// Saves models to a file: argv = what, path. Prints 'ready' once it has begun, or the code of the error.
const { readdirSync } = require('node:fs');
const path = require('node:path');
const { linear, MLP } = require('../../dist/index.js');

/** Half a MiB of weights, all of one value. */
const modelOf = (value) =>
  new MLP([
    linear({
      name: 'a',
      inFeatures: 512,
      outFeatures: 256,
      weight: new Float32Array(512 * 256).fill(value),
      bias: false,
    }),
  ]);

async function saveForEver(file) {
  const models = [modelOf(1), modelOf(2)];
  await models[0].save(file);
  console.log('ready');
  for (let i = 1; ; i++) await models[i % 2].save(file);
}

async function saveOnce(file) {
  const outcome = await modelOf(3)
    .save(file)
    .then(
      () => 'saved',
      (error) => `${error.name} ${error.code} ${error.cause?.code}`,
    );
  console.log(`${outcome}; ${readdirSync(path.dirname(file))}`);
}

const [what, file] = process.argv.slice(2);
(what === 'loop' ? saveForEver : saveOnce)(file);
