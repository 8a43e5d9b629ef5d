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

async function run(script: string, env: Record<string, string> = {}): Promise<string> {
  const options = { timeout: 60_000, env: { ...process.env, ...env } };
  const { stdout } = await exec(process.execPath, ['-e', PRELUDE + script], options);
  return stdout.trim();
}

describe('REQUANT_THREADS', () => {
  /** Hashes of float and int8 models of few and many rows, by runSync and run. */
  const hashes = `
    const { createHash } = require('node:crypto');
    const { quantize } = require('${dist}/index.js');
    const hash = (y) => createHash('sha256').update(y).digest('hex');
    const x = (count) => rows(count).map((v, i) => v * Math.sin(i));
    (async () => {
      const int8 = quantize(model, null, { mode: 'dynamic' });
      for (const m of [model, int8])
        for (const count of [1, 7, 50, 300]) console.log(hash(m.runSync(x(count))), hash(await m.run(x(count))));
    })();`;

  it('changes no bit', async () => {
    const one = await run(hashes, { REQUANT_THREADS: '1' });
    expect(new Set(one.split(/\s/)).size).toBe(8);
    for (const threads of ['2', '3', '8']) expect(await run(hashes, { REQUANT_THREADS: threads })).toBe(one);
  });

  it('is the size of the pool', async () => {
    const script = `const { native } = require('${dist}/runtime/native.js'); console.log(JSON.stringify(native().poolInfo()));`;
    expect(JSON.parse(await run(script, { REQUANT_THREADS: '3' }))).toEqual({
      threads: 3,
      source: 'REQUANT_THREADS',
    });
    const { threads, source } = JSON.parse(await run(script, { REQUANT_THREADS: '' }));
    expect(threads).toBeGreaterThanOrEqual(1);
    expect(['quota', 'affinity']).toContain(source);
  });

  it.each(['0', '-1', '1.5', 'many', '1025'])(
    "'%s' is ERR_ARGUMENT, at the first native call",
    async (text) => {
      const script = `
      const { kernels } = require('${dist}/kernels.js');
      console.log(kernels().available.includes('scalar'));
      try { model.runSync(rows(1)); } catch (error) { console.log(error.name, error.code, error.message); }`;
      expect(await run(script, { REQUANT_THREADS: text })).toBe(
        `true\nRequantError ERR_ARGUMENT expected REQUANT_THREADS to be an integer in [1, 1024] but received '${text}'`,
      );
    },
  );
});

describe('the option threads', () => {
  it('changes no bit, whatever it is', async () => {
    const script = `
      const many = [1, 2, 5, 1024].map((threads) => new MLP(model.layers, { threads }));
      for (const count of [1, 7, 300]) {
        const expected = Buffer.from(model.runSync(rows(count)).buffer);
        for (const m of many) console.log(Buffer.from(m.runSync(rows(count)).buffer).equals(expected));
      }`;
    expect(new Set((await run(script, { REQUANT_THREADS: '8' })).split('\n'))).toEqual(new Set(['true']));
  });
});

describe('several threads', () => {
  it('report the first row that holds NaN', async () => {
    const script = `
      const { quantize } = require('${dist}/index.js');
      const int8 = quantize(model, null, { mode: 'dynamic' });
      const x = rows(3000);
      for (const row of [2999, 1800, 1700, 1300, 611]) x[row * 512 + 7] = NaN;
      (async () => {
        for (let i = 0; i < 10; i++) {
          try { int8.runSync(x); } catch (error) { console.log(error.message); }
          await int8.run(x).catch((error) => console.log(error.message));
        }
      })();`;
    const lines = (await run(script, { REQUANT_THREADS: '4' })).split('\n');
    expect(lines).toHaveLength(20);
    expect(new Set(lines)).toEqual(
      new Set(["expected numbers but received NaN at row 611, column 7 of 'input'"]),
    );
  });

  it('serve worker threads that run the same and at the same time', async () => {
    const worker = JSON.stringify(`${PRELUDE}
      const { parentPort: port } = require('node:worker_threads');
      let same = true;
      const first = model.runSync(rows(200))[0];
      for (let i = 0; i < 20; i++) same &&= model.runSync(rows(1 + (i * 37) % 200))[0] === first;
      port.postMessage(same);`);
    const script = `
      const workers = Array.from({ length: 5 }, () => new Worker(${worker}, { eval: true }));
      Promise.all(workers.map((w) => new Promise((resolve) => w.once('message', resolve)))).then(async (all) => {
        const own = await Promise.all(Array.from({ length: 20 }, (_, i) => model.run(rows(1 + i * 9))));
        console.log(all.join(), own.map((y) => y.length / 64).join());
      });`;
    expect(await run(script, { REQUANT_THREADS: '3' })).toBe(
      `true,true,true,true,true ${Array.from({ length: 20 }, (_, i) => 1 + i * 9).join()}`,
    );
  });
});

describe('tasks off the event loop', () => {
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
