import { parseArgs } from 'node:util';
import { MODELS } from './models.mjs';
import { native } from './requant.mjs';

export const PEERS = ['own', 'ort', 'tfjs', 'js'];
const DEFAULT_THREADS = [1, 2];

export const HELP = `npm run bench -- [options]

Measures requant's int8 and float32 against onnxruntime-node, TensorFlow.js and plain JavaScript, in turn, in one run.
bench/README.md says what is measured and what the columns mean.

  --model A,C        these models (${MODELS.map(({ name }) => name).join(', ')})
  --batch 1,128      these batches, in place of each model's own
  --threads 1,2      one pass for each number of threads (default: 1,2, as far as this machine has them)
  --peers own,ort    only these: ${PEERS.join(', ')} (own is always there; default: all)
  --quick            a few turns, to see that everything runs; the figures mean nothing
  --json FILE        write the results
  --compare FILE     against the results of an earlier run; exits with 1 if a cell has become clearly slower
  --plot FILE.svg    draw the ratios
  --no-kernels       leave out the native kernel shapes
  --help
`;

class UsageError extends Error {}
export const isUsageError = (error) =>
  error instanceof UsageError || String(error?.code).startsWith('ERR_PARSE_ARGS');

const list = (text) => text?.split(',').map((item) => item.trim());

function integers(name, text) {
  return list(text)?.map((item) => {
    if (!/^[1-9]\d{0,5}$/.test(item))
      throw new UsageError(`expected positive integers as --${name} but received '${item}'`);
    return Number(item);
  });
}

function oneOf(name, items, known) {
  const stray = items.find((item) => !known.includes(item));
  if (stray !== undefined)
    throw new UsageError(`expected --${name} out of ${known.join(', ')} but received '${stray}'`);
  return items;
}

/** Threads that may run at once here: of the process, and of its container. */
function threadLimit() {
  const { cpus, quotaCpus } = native().cpuLimits();
  return Math.max(1, Math.min(cpus, Math.ceil(quotaCpus ?? Number.POSITIVE_INFINITY)));
}

/** Errors for which isUsageError holds. */
export function parseOptions(args) {
  const text = { type: 'string' };
  const flag = { type: 'boolean' };
  const { values } = parseArgs({
    args,
    options: {
      model: text,
      batch: text,
      threads: text,
      peers: text,
      json: text,
      compare: text,
      plot: text,
      quick: flag,
      'no-kernels': flag,
      help: flag,
    },
  });
  const names = oneOf(
    'model',
    list(values.model) ?? MODELS.map(({ name }) => name),
    MODELS.map(({ name }) => name),
  );
  const batches = integers('batch', values.batch);
  const peers = oneOf('peers', list(values.peers) ?? PEERS, PEERS);
  return {
    ...values,
    quick: values.quick ?? false,
    kernels: !values['no-kernels'],
    peers: PEERS.filter((peer) => peer === 'own' || peers.includes(peer)),
    threads: integers('threads', values.threads) ?? DEFAULT_THREADS.filter((n) => n <= threadLimit()),
    models: MODELS.filter(({ name }) => names.includes(name)).map((model) =>
      batches ? { ...model, batches } : model,
    ),
  };
}
