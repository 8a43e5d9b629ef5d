// The model that is served now, and how another takes its place.
import { load } from 'requant';
import { MicroBatcher } from 'requant/serving';

/** Loads a file for serving; the name is what answers carry. */
async function open(file, name, options) {
  const model = await load(file);
  try {
    return { name, model, batcher: new MicroBatcher(model, options) };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

async function end({ batcher, model }) {
  await batcher.close();
  model.dispose();
}

export class ServedModel {
  #options;
  #current;
  /** Reloads go one after the other. */
  #lastReload = Promise.resolve();

  constructor(current, options) {
    this.#current = current;
    this.#options = options;
  }

  /** `options`: the batcher's. Errors: as `load`'s. */
  static async open(file, name, options) {
    return new ServedModel(await open(file, name, options), options);
  }

  get name() {
    return this.#current.name;
  }

  get model() {
    return this.#current.model;
  }

  get stats() {
    return this.#current.batcher.stats;
  }

  /** The answer, and the name of the model that gave it: nothing is awaited between the choice and the call. */
  async run(input, options) {
    const { name, batcher } = this.#current;
    return { name, outputs: await batcher.run(input, options) };
  }

  /** Resolves when the new model answers and the old one, having answered what it had accepted, is disposed of. */
  reload(file, name) {
    const reload = this.#lastReload.then(() => this.#reload(file, name));
    this.#lastReload = reload.catch(() => {});
    return reload;
  }

  async #reload(file, name) {
    const next = await open(file, name, this.#options);
    const old = this.#current;
    const same = ['inFeatures', 'outFeatures'].every((key) => next.model[key] === old.model[key]);
    if (!same) {
      await end(next);
      const error = new Error(
        `expected a model of ${old.model.inFeatures} → ${old.model.outFeatures} features but received ${next.model.inFeatures} → ${next.model.outFeatures}`,
      );
      throw Object.assign(error, { statusCode: 409, code: 'ERR_OTHER_MODEL' });
    }
    this.#current = next;
    await end(old);
  }

  /** Answers what was accepted. */
  async close() {
    await this.#lastReload;
    await end(this.#current);
  }
}
