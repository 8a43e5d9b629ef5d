// Clients that count what becomes of every request. Where a port closes, new connections are refused, or reset if the
// kernel had queued them for a process that took no more: both are turned away. A request without an answer on a
// connection that the service had taken is lost.
import { Agent, request as httpRequest } from 'node:http';

const PAUSE_MS = 5;
const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

function send(url, agent, body) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/octet-stream', 'content-length': body.length };
    const request = httpRequest(url, { method: 'POST', agent, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { buffer, byteOffset, length } = Buffer.concat(chunks);
        const bytes = buffer.slice(byteOffset, byteOffset + length);
        resolve({ status: response.statusCode, model: response.headers['x-model'], bytes });
      });
    });
    request.on('error', (error) => reject(Object.assign(error, { wasTaken: request.reusedSocket })));
    request.end(body);
  });
}

/**
 * `concurrency` clients, each asking again as soon as it is answered, over kept connections. `check(bytes, model)` throws
 * where an answer is wrong. `stop` resolves to the counts.
 */
export function startClients({ url, body, concurrency, check }) {
  const agent = new Agent({ keepAlive: true });
  const counts = { answered: 0, otherStatus: 0, turnedAway: 0, lost: 0, wrong: 0, models: {}, errors: {} };
  let stopped = false;

  async function once() {
    try {
      const { status, model, bytes } = await send(url, agent, body);
      if (status !== 200) {
        counts.otherStatus++;
        return;
      }
      counts.answered++;
      counts.models[model] = (counts.models[model] ?? 0) + 1;
      try {
        check(bytes, model);
      } catch {
        counts.wrong++;
      }
    } catch (error) {
      if (error.wasTaken) counts.lost++;
      else counts.turnedAway++;
      counts.errors[error.code ?? error.message] = (counts.errors[error.code ?? error.message] ?? 0) + 1;
      await pause();
    }
  }

  const clients = Array.from({ length: concurrency }, async () => {
    while (!stopped) await once();
  });
  return {
    counts,
    async stop() {
      stopped = true;
      await Promise.all(clients);
      agent.destroy();
      return counts;
    },
  };
}
