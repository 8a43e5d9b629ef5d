// node server.mjs --model FILE: the service on a port, until SIGTERM or SIGINT.
import { parseArgs } from 'node:util';
import { createApp } from './app.mjs';

const HELP = `node server.mjs --model FILE [options]

  --model FILE       a requant model (node make-model.mjs makes one to try it with)
  --host 127.0.0.1
  --port 3000        0: any that is free
  --timeout 1000     ms a prediction may take before 504
  --max-batch 128    the batcher's options (docs/serving.md)
  --max-delay 2
  --max-queue 1024
  --drain 500        ms between SIGTERM and the closing of the port
`;
/** A drain that takes longer has a bug; the process must not outlive its orchestrator's patience. */
const DRAIN_LIMIT_MS = 10_000;

const text = { type: 'string' };
const { values } = parseArgs({
  options: {
    model: text,
    host: { ...text, default: '127.0.0.1' },
    port: { ...text, default: '3000' },
    timeout: { ...text, default: '1000' },
    'max-batch': { ...text, default: '128' },
    'max-delay': { ...text, default: '2' },
    'max-queue': { ...text, default: '1024' },
    drain: { ...text, default: '500' },
    help: { type: 'boolean' },
  },
});
if (values.help || values.model === undefined) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}

const { app, drain } = await createApp({
  modelFile: values.model,
  timeout: Number(values.timeout),
  batcher: {
    maxBatch: Number(values['max-batch']),
    maxDelayMs: Number(values['max-delay']),
    maxQueue: Number(values['max-queue']),
  },
  drainMs: Number(values.drain),
  logger: { level: 'warn' },
});

async function stop(signal) {
  console.error(`${signal}: draining`);
  setTimeout(() => process.exit(1), DRAIN_LIMIT_MS).unref();
  console.log(`drained ${JSON.stringify(await drain())}`);
}
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => stop(signal));

console.log(`listening on ${await app.listen({ host: values.host, port: Number(values.port) })}`);
