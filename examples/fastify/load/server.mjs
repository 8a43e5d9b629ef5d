// One contender of load/main.mjs, in a process of its own: node load/server.mjs '{"engine": …, "modelFile": …}'
import { load } from 'requant';
import { createApp } from '../app.mjs';
import { eachAlone, ortOpener } from './ort.mjs';

const { engine, modelFile, maxBatch, ort } = JSON.parse(process.argv[2]);
const OPENERS = {
  requant: undefined,
  'requant, each alone': async (file, name) => eachAlone(name, await load(file)),
  'ORT int8, batched': ortOpener(ort, true),
  'ORT int8, each alone': ortOpener(ort, false),
};

const { app, drain } = await createApp({
  modelFile,
  timeout: 30_000,
  batcher: { maxBatch },
  open: OPENERS[engine],
  logger: { level: 'warn' },
});
process.once('SIGTERM', async () => console.log(`drained ${JSON.stringify(await drain())}`));
console.log(await app.listen({ port: 0, host: '127.0.0.1' }));
