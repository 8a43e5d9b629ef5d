// The service as a Fastify instance, without a port: what server.mjs starts and the tests look into.
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify from 'fastify';
import prediction from './lib/prediction.mjs';

const BODY_LIMIT = 8 * 2 ** 20;

/**
 * `modelFile`, `timeout`, `batcher`: as the plugin's. `drainMs`: how long it still answers after it has stopped being
 * ready, for load balancers to notice. Returns the instance and `drain`, the graceful end, which
 * resolves to the numbers of requests that came in and that were answered.
 */
export async function createApp({ modelFile, timeout = 1000, batcher, drainMs = 500, logger = false, open }) {
  let draining = false;
  const counts = { received: 0, answered: 0 };
  const app = Fastify({
    logger,
    bodyLimit: BODY_LIMIT,
    // Text is no number; nothing is filled in or left out in silence.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    // What has come in is answered by the model, not by a 503.
    return503OnClosing: false,
  });
  app.addHook('onRequest', (_, reply, done) => {
    // Every connection ends with an answer, so that none is idle when the server closes: a request on its way into an
    // idle connection would be lost.
    if (draining) reply.header('connection', 'close');
    counts.received++;
    done();
  });
  app.addHook('onResponse', (_, __, done) => {
    counts.answered++;
    done();
  });
  await app.register(prediction, {
    modelFile,
    timeout,
    batcher,
    isDraining: () => draining,
    ...(open && { open }),
  });

  let ending;
  async function end() {
    draining = true;
    await sleep(drainMs);
    await app.close();
    return counts;
  }
  return {
    app,
    drain() {
      ending ??= end();
      return ending;
    },
  };
}
