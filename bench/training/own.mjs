// Each contender is run with { inputs, bytes, targets }: the pixels as float32 of 0…1, and as bytes.
// This package's float32 and integer training, by their public functions, whose setup counts: a turn is one call.
import { linear, MLP, relu } from '../requant.mjs';
import { LEARNING_RATE, MOMENTUM } from './nets.mjs';

const training = await import(new URL('../../dist/training.mjs', import.meta.url));

/** The same first weights for everybody. */
export function firstModel(widths) {
  const layers = widths
    .slice(1)
    .flatMap((outFeatures, i) => [
      ...(i === 0 ? [] : [relu()]),
      linear({ inFeatures: widths[i], outFeatures }),
    ]);
  return new MLP(layers, { seed: 1 });
}

export function optimizerOptions(type) {
  return { type, learningRate: LEARNING_RATE[type], ...(type === 'sgd' && { momentum: MOMENTUM }) };
}

export function floatTraining({ widths, batch, optimizer }) {
  const model = firstModel(widths);
  const options = { batchSize: batch, optimizer: optimizerOptions(optimizer) };
  return {
    name: 'float32',
    run: ({ inputs, targets }, epochs) => training.train(model, { inputs, targets }, { ...options, epochs }),
    /** Of two steps on one batch: before the first update and after it. */
    losses: async ({ inputs, targets }) =>
      (await training.train(model, { inputs, targets }, { ...options, epochs: 2 })).history.map(
        ({ loss }) => loss,
      ),
    dispose: () => model.dispose(),
  };
}

/** Undefined where this build has no integer training. */
export function integerTraining({ widths, batch }) {
  const { trainInteger } = training;
  if (trainInteger === undefined) return undefined;
  return {
    name: 'integer',
    run: ({ bytes, targets }, epochs) =>
      trainInteger(widths, { inputs: bytes, targets }, { batchSize: batch, epochs }),
    dispose: () => {},
  };
}
