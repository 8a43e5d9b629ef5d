// The plugin: /predict, /reload, /health and /metrics around one served model.
import path from 'node:path';
import plugin from 'fastify-plugin';
import { RequantError } from 'requant';
import { replyWithError } from './errors.mjs';
import { createMetrics } from './metrics.mjs';
import { ServedModel } from './served-model.mjs';

const BINARY = 'application/octet-stream';
const ROW_LIMIT = 256;

const predictSchema = ({ inFeatures }) => ({
  type: 'object',
  required: ['rows'],
  additionalProperties: false,
  properties: {
    rows: {
      type: 'array',
      minItems: 1,
      maxItems: ROW_LIMIT,
      items: { type: 'array', minItems: inFeatures, maxItems: inFeatures, items: { type: 'number' } },
    },
  },
});
const answerSchema = {
  type: 'object',
  properties: {
    model: { type: 'string' },
    outputs: { type: 'array', items: { type: 'array', items: { type: 'number' } } },
  },
};
/** A name in the folder of the first model; nothing else of the disk can be asked for. */
const reloadSchema = {
  type: 'object',
  required: ['file'],
  additionalProperties: false,
  properties: { file: { type: 'string', pattern: '^[A-Za-z0-9_-][A-Za-z0-9._-]*$', maxLength: 200 } },
};

function fromJson(rows, features) {
  const input = new Float32Array(rows.length * features);
  rows.forEach((row, i) => {
    input.set(row, i * features);
  });
  return input;
}

/** Little-endian float32, as they lie in memory; copied where they are not aligned. */
function fromBytes(body) {
  if (body.length % 4 !== 0)
    throw new RequantError('ERR_SHAPE', `expected float32 values but received ${body.length} bytes`);
  if (body.byteOffset % 4 !== 0) body = Uint8Array.from(body);
  return new Float32Array(body.buffer, body.byteOffset, body.length / 4);
}

function toJson(outputs, features) {
  return Array.from({ length: outputs.length / features }, (_, i) =>
    Array.from(outputs.subarray(i * features, (i + 1) * features)),
  );
}

/** A file that is no model is the caller's mistake, whatever the code. Paths of this machine are not his business. */
function reloadError(error, file) {
  if (!(error instanceof RequantError)) return error;
  const missing = error.code === 'ERR_IO';
  const message = missing ? `cannot read '${file}'` : error.message;
  return Object.assign(new RequantError(error.code, message, { cause: error }), {
    statusCode: missing ? 404 : 422,
  });
}

/** Aborts when the client hangs up before it has its answer. */
function hangUp(reply) {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

/** Options: `modelFile`, `timeout` (ms a prediction may take), `batcher` (MicroBatcher's options), `isDraining()`. */
async function prediction(fastify, { modelFile, timeout, batcher, isDraining, open = ServedModel.open }) {
  const folder = path.dirname(path.resolve(modelFile));
  const served = await open(modelFile, path.basename(modelFile), {
    ...batcher,
    onBatch: ({ rows, runMs }) => {
      metrics.batchRows.observe(rows);
      metrics.batchSeconds.observe(runMs / 1000);
    },
  });
  const metrics = createMetrics(() => served.stats);
  const { inFeatures, outFeatures } = served.model;

  async function predict(input, reply) {
    try {
      return await served.run(input, { timeout, signal: hangUp(reply) });
    } catch (error) {
      metrics.rejections.inc({ code: error.code ?? error.name });
      throw error;
    }
  }

  fastify.setErrorHandler(replyWithError);
  fastify.removeContentTypeParser('text/plain');
  fastify.addContentTypeParser(BINARY, { parseAs: 'buffer' }, (_, body, done) => done(null, body));
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown';
    metrics.latency.observe({ route, status: reply.statusCode }, reply.elapsedTime / 1000);
    done();
  });
  // After the last request has been answered.
  fastify.addHook('onClose', () => served.close());

  fastify.post(
    '/predict',
    {
      schema: {
        body: {
          content: { 'application/json': { schema: predictSchema(served.model) }, [BINARY]: { schema: {} } },
        },
        response: {
          200: { content: { 'application/json': { schema: answerSchema }, [BINARY]: { schema: {} } } },
        },
      },
    },
    async (request, reply) => {
      const { body } = request;
      if (Buffer.isBuffer(body)) {
        const { name, outputs } = await predict(fromBytes(body), reply);
        reply.header('x-model', name).type(BINARY);
        return Buffer.from(outputs.buffer, outputs.byteOffset, outputs.byteLength);
      }
      const { name, outputs } = await predict(fromJson(body.rows, inFeatures), reply);
      return { model: name, outputs: toJson(outputs, outFeatures) };
    },
  );

  fastify.post('/reload', { schema: { body: reloadSchema } }, async ({ body }) => {
    try {
      await served.reload(path.join(folder, body.file), body.file);
      metrics.reloads.inc({ outcome: 'done' });
      return { model: served.name };
    } catch (error) {
      metrics.reloads.inc({ outcome: 'failed' });
      throw reloadError(error, body.file);
    }
  });

  /** Alive: the event loop answers. Ready: send requests here. */
  fastify.get('/health/live', () => ({ status: 'alive' }));
  fastify.get('/health', (_, reply) => {
    const { stages: _stages, kind } = served.model;
    if (isDraining()) reply.code(503);
    return {
      status: isDraining() ? 'draining' : 'ready',
      model: { file: served.name, kind, inFeatures, outFeatures },
      batcher: served.stats,
    };
  });
  fastify.get('/metrics', async (_, reply) => {
    reply.type(metrics.registry.contentType);
    return metrics.registry.metrics();
  });
}

export default plugin(prediction, { fastify: '5.x', name: 'prediction' });
