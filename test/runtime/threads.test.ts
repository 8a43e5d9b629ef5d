import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const dist = path.join(__dirname, '../../dist');
const exec = promisify(execFile);

/** Each script is a process of its own: what is tested is that it ends well. */
const PRELUDE = `
const { Worker, isMainThread, parentPort } = require('node:worker_threads');
const { MLP, linear, relu } = require('${dist}/index.js');
const model = new MLP([linear({ inFeatures: 512, outFeatures: 1024 }), relu(), linear({ inFeatures: 1024, outFeatures: 64 })]);
const rows = (count) => new Float32Array(count * 512).fill(0.5);`;

async function run(script: string): Promise<string> {
  const { stdout } = await exec(process.execPath, ['-e', PRELUDE + script], { timeout: 60_000 });
  return stdout.trim();
}

describe('the background thread', () => {
  it('keeps the process alive while a run is pending, and no longer', async () => {
    expect(await run(`model.run(rows(2000)).then((y) => console.log(y.length));`)).toBe('128000');
  });

  it('lets process.exit end in mid-run', async () => {
    expect(
      await run(`model.run(rows(50000)); setTimeout(() => { console.log('bye'); process.exit(0); }, 20);`),
    ).toBe('bye');
  });

  it('survives worker threads that are terminated in mid-run, and serves others after them', async () => {
    const worker = JSON.stringify(`${PRELUDE}
      const { parentPort: port } = require('node:worker_threads');
      model.run(rows(50000)); model.run(rows(50000)); port.postMessage('running');`);
    const script = `
      (async () => {
        for (let i = 0; i < 5; i++) {
          const worker = new Worker(${worker}, { eval: true });
          await new Promise((resolve) => worker.once('message', resolve));
          await worker.terminate();
        }
        console.log((await model.run(rows(3))).length);
      })();`;
    expect(await run(script)).toBe('192');
  });

  it('keeps the event loop free', async () => {
    const script = `
      const { monitorEventLoopDelay } = require('node:perf_hooks');
      const input = rows(20000);
      const pending = model.run(input);
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      let ticks = 0;
      const timer = setInterval(() => ticks++, 1);
      pending.then(() => { clearInterval(timer); console.log(ticks > 5); });`;
    expect(await run(script)).toBe('true');
  });
});
