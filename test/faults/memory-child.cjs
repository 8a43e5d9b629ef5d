// Asks for more than its memory allows, in each of the ways named by the arguments; prints a line a case, and runs a
// small batch after each of them.
const { execFileSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { linear, load, MLP } = require('../../dist/index.js');
const { dequantizeLinear, dynamicQuantizeLinear } = require('../../dist/kernels.js');

const MIB = 2 ** 20;
const OUT = 4096;

/** Address space: what is taken now and `more` bytes. */
function limitMemory(more) {
  const [, kib] = /VmSize:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
  execFileSync('prlimit', ['--pid', String(process.pid), `--as=${Number(kib) * 1024 + more}`]);
}

async function main() {
  const model = new MLP([linear({ inFeatures: 1, outFeatures: OUT })]);
  const narrow = new MLP([linear({ inFeatures: OUT, outFeatures: 1 })]);
  const row = Float32Array.of(1);
  const expected = model.runSync(row);
  await model.run(row);
  // 1 GiB of output, 256 KiB of input
  const rows = new Float32Array(64 * 1024);
  const file = new Uint8Array(400 * MIB);
  const floats = new Float32Array(400 * MIB);
  limitMemory(300 * MIB);
  const cases = {
    runSync: () => model.runSync(rows),
    run: () => model.run(rows),
    'runs at once': () => Promise.all(Array.from({ length: 4 }, () => model.run(rows))),
    observe: () => model.observe(rows, () => {}),
    load: () => load(file),
    'run, large input': () => narrow.run(floats),
    dequantizeLinear: () => dequantizeLinear(file, 1),
    dynamicQuantizeLinear: () => dynamicQuantizeLinear(floats),
  };
  for (const [name, action] of Object.entries(cases)) {
    const outcome = await Promise.resolve()
      .then(action)
      .then(
        () => 'a result',
        (error) => `${error.name} ${error.code}`,
      );
    const after = [model.runSync(row), await model.run(row)];
    const same = after.every(
      (result) => Buffer.compare(Buffer.from(result.buffer), Buffer.from(expected.buffer)) === 0,
    );
    console.log(`${name}: ${outcome}, then ${same ? 'the same bits' : 'other bits'}`);
  }
}

main();
