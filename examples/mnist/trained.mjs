// The float model that methods.mjs and pruning.mjs start from.
import { existsSync, mkdirSync } from 'node:fs';
import { linear, MLP, relu } from 'requant';
import { train } from 'requant/training';
import { CLASSES, PIXELS } from './mnist.mjs';

const EPOCHS = 8;
const root = new URL('../../', import.meta.url);

/** 784-512-512-10, the same weights wherever it is trained; kept in build/models. */
export async function trained(name, data, say) {
  const file = new URL(`build/models/${name}-512.safetensors`, root);
  if (existsSync(file)) return MLP.load(file);
  say(`${name}: training 784-512-512-10`);
  const dense = (inFeatures, outFeatures) => linear({ inFeatures, outFeatures });
  const layers = [dense(PIXELS, 512), relu(), dense(512, 512), relu(), dense(512, CLASSES)];
  const options = { epochs: EPOCHS, batchSize: 128, optimizer: { type: 'adam', learningRate: 0.001 } };
  const { model } = await train(new MLP(layers, { seed: 1 }), data, options);
  mkdirSync(new URL('build/models', root), { recursive: true });
  await model.save(file);
  return model;
}
