// The package's error codes as HTTP: whose fault it was, and whether to come again.
import { RequantError } from 'requant';

const STATUS = {
  ERR_ARGUMENT: 400,
  ERR_SHAPE: 400,
  ERR_DTYPE: 400,
  ERR_NAN_INPUT: 400,
  ERR_LIMIT: 413,
  ERR_QUEUE_FULL: 429,
  ERR_CLOSED: 503,
  ERR_DISPOSED: 503,
  ERR_MEMORY: 503,
  ERR_TIMEOUT: 504,
};
const RETRY_AFTER_SECONDS = 1;

/** For Fastify's setErrorHandler. */
export function replyWithError(error, request, reply) {
  if (error instanceof RequantError) {
    const status = error.statusCode ?? STATUS[error.code] ?? 500;
    if (status === 429 || status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS);
    return reply.code(status).send({ code: error.code, message: error.message });
  }
  const status = error.statusCode ?? 500;
  if (status >= 500) request.log.error(error);
  const message = status >= 500 ? 'expected an answer but the service failed' : error.message;
  return reply.code(status).send({ code: error.code ?? 'ERR_INTERNAL', message });
}
