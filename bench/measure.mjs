// Child of main.mjs: one model with one number of threads, in a process of its own. Sends a message for each cell.
import { checkContenders } from './check.mjs';
import { between, instructionPeak } from './peak.mjs';
import { quantile, ratioSpread, sorted, takeTurns } from './requant.mjs';
import { makeInput, makeSubject } from './subject.mjs';
import { NORMAL, QUICK } from './turns.mjs';

/** Loaded only if asked for: each brings its packages along. */
const PEERS = {
  own: async () => (await import('./peers/requant.mjs')).requantPeer,
  ort: async () => (await import('./peers/ort.mjs')).ortPeer,
  tfjs: async () => (await import('./peers/tfjs.mjs')).tfjsPeer,
  js: async () => (await import('./peers/javascript.mjs')).javascriptPeer,
};
const PEAK_MS = 5;
/** Turns of the trial that chooses onnxruntime's best form. */
const TRIAL = { minTurns: 5, maxTurns: 5, slowTurns: 5 };

/** Peer's time over ours, by name: > 1 means that we are faster. */
const RATIOS = {
  int8VsOrtInt8: ['ortInt8', 'int8'],
  int8VsOrtFloat32: ['ortFloat32', 'int8'],
  int8VsFloat32: ['float32', 'int8'],
  int8VsTfjs: ['tfjs', 'int8'],
  int8VsJavascript: ['javascript', 'int8'],
  codesVsOrtInt8Codes: ['ortInt8Codes', 'int8Codes'],
  codesVsOrtFloat32: ['ortFloat32', 'int8Codes'],
  codesVsJavascript: ['javascript', 'int8Codes'],
  float32VsOrtFloat32: ['ortFloat32', 'float32'],
  float32VsJavascript: ['javascript', 'float32'],
};

/** Of contenders with one name, the fastest form; the times of all. */
async function chooseForms(contenders, effort, spins) {
  const chosen = [];
  const forms = {};
  for (const name of new Set(contenders.map((c) => c.name))) {
    const rivals = contenders.filter((c) => c.name === name);
    if (rivals.length === 1) {
      chosen.push(rivals[0]);
      continue;
    }
    const results = await takeTurns(rivals, { ...effort, ...(effort === QUICK ? {} : TRIAL) }, { spins });
    const times = results.map(({ samples }) => quantile(sorted(samples), 0.5) * 1000);
    forms[name] = Object.fromEntries(rivals.map(({ form }, i) => [form, times[i]]));
    chosen.push(rivals[times.indexOf(Math.min(...times))]);
  }
  return { chosen, forms };
}

function describe({ contender, samples }, { macs, threads }, batch, peak) {
  const list = sorted(samples);
  const seconds = quantile(list, 0.5) / 1000;
  const macsPerSecond = (macs * batch) / seconds;
  return {
    ...(contender.form && { form: contender.form }),
    p50: seconds * 1e6,
    p99: quantile(list, 0.99) * 1000,
    q1: quantile(list, 0.25) * 1000,
    q3: quantile(list, 0.75) * 1000,
    samples: list.length,
    rowsPerSecond: batch / seconds,
    gmacs: macsPerSecond / 1e9,
    ...(peak && { percentOfPeak: (100 * macsPerSecond) / (peak[contender.arithmetic] * threads) }),
  };
}

async function measureCell(peers, subject, batch, effort) {
  const input = makeInput(subject, batch);
  const all = peers.flatMap((peer) => peer.contenders(input));
  const errors = await checkContenders(all, subject, input);
  const spins = subject.threads > 1;
  const { chosen, forms } = await chooseForms(all, effort, spins);
  const before = instructionPeak(PEAK_MS);
  const results = await takeTurns(chosen, effort, { spins });
  const peak = between(before, instructionPeak(PEAK_MS));

  const bursts = Object.fromEntries(results.map((r) => [r.contender.name, r.bursts]));
  const ratios = Object.entries(RATIOS)
    .filter(([, [theirs, ours]]) => bursts[theirs] && bursts[ours])
    .map(([name, [theirs, ours]]) => [name, ratioSpread(bursts[theirs], bursts[ours])]);
  const { name: model, widths, threads, macs } = subject;
  return {
    model,
    widths,
    batch,
    threads,
    macs: macs * batch,
    turns: results[0].bursts.length,
    ...(peak && { peak }),
    contenders: Object.fromEntries(results.map((r) => [r.contender.name, describe(r, subject, batch, peak)])),
    ratios: Object.fromEntries(ratios),
    forms,
    errors: Object.fromEntries(all.map(({ name, form }, i) => [form ? `${name} ${form}` : name, errors[i]])),
  };
}

async function run({ model, threads, peers: names, quick }) {
  const subject = await makeSubject(model, threads);
  const peers = [];
  for (const name of names) peers.push(await (await PEERS[name]())(subject));
  for (const batch of model.batches) {
    process.send({ starts: batch });
    process.send({ cell: rounded(await measureCell(peers, subject, batch, quick ? QUICK : NORMAL)) });
  }
  // Our own models last: the others were built from them.
  for (const peer of peers.reverse()) await peer.dispose();
}

/** A cell as it is stored: five digits of what was measured. */
const rounded = (value) =>
  JSON.parse(
    JSON.stringify(value, (_, x) =>
      typeof x === 'number' && !Number.isInteger(x) ? Number(x.toPrecision(5)) : x,
    ),
  );

process.once('message', (job) => {
  run(job).then(
    () => process.disconnect(),
    (error) => {
      process.send({ error: error.stack ?? String(error) }, () => process.exit(1));
    },
  );
});
