// npm test: the service as its clients see it, over real connections. Needs nothing but what npm ci has installed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { load, RequantError } from 'requant';
import { createApp } from '../app.mjs';
import { startClients } from '../load/clients.mjs';
import { makeModel, randomRows } from '../make-model.mjs';

const WIDTHS = [12, 24, 5];
const rows = randomRows(64, WIDTHS[0]);
const row = (i) => rows.slice(i * WIDTHS[0], (i + 1) * WIDTHS[0]);
let folder;
const file = (name) => path.join(folder, name);
const models = {};

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'requant-service-'));
  for (const [name, widths, seed] of [
    ['a', WIDTHS, 1],
    ['b', WIDTHS, 2],
    ['other', [7, 5], 1],
  ]) {
    await (await makeModel(widths, seed)).save(file(`${name}.safetensors`));
    models[`${name}.safetensors`] = await load(file(`${name}.safetensors`));
  }
  await writeFile(file('text'), 'no model');
});
after(() => rm(folder, { recursive: true }));

/** A service on a port of its own for one test. */
async function serve(options, use) {
  const { app, drain } = await createApp({ modelFile: file('a.safetensors'), drainMs: 0, ...options });
  const url = await app.listen({ port: 0 });
  const post = async (route, body, type = 'application/json') => {
    const text = type === 'application/json' && typeof body !== 'string' ? JSON.stringify(body) : body;
    const response = await fetch(url + route, {
      method: 'POST',
      headers: { 'content-type': type },
      body: text,
    });
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return {
      status: response.status,
      headers: response.headers,
      body: await (isJson ? response.json() : response.arrayBuffer()),
    };
  };
  const get = async (route) => {
    const response = await fetch(url + route);
    return { status: response.status, text: await response.text() };
  };
  try {
    await use({ app, url, post, get, drain });
  } finally {
    await drain();
  }
}

const predictRow = (post, i) => post('/predict', { rows: [[...row(i)]] });
const expected = (name, i) => [...models[name].runSync(row(i))];
const BINARY = 'application/octet-stream';

describe('predict', () => {
  it('answers with the bits of each row alone, however many come at once', () =>
    serve({ batcher: { maxBlockMs: 0 } }, async ({ post, get }) => {
      const answers = await Promise.all(Array.from({ length: 64 }, (_, i) => predictRow(post, i)));
      answers.forEach(({ status, body }, i) => {
        assert.equal(status, 200);
        assert.deepEqual(body, { model: 'a.safetensors', outputs: [expected('a.safetensors', i)] });
      });
      const { batcher } = JSON.parse((await get('/health')).text);
      assert.equal(batcher.answered, 64);
      assert.ok(batcher.batches < 64, `fewer batches than calls, not ${batcher.batches}`);
    }));

  it('takes several rows, and float32 bytes', () =>
    serve({}, async ({ post }) => {
      const json = await post('/predict', { rows: [[...row(0)], [...row(1)]] });
      assert.deepEqual(json.body.outputs, [expected('a.safetensors', 0), expected('a.safetensors', 1)]);
      const bytes = await post('/predict', Buffer.from(rows.buffer, 0, 96), BINARY);
      assert.equal(bytes.headers.get('x-model'), 'a.safetensors');
      assert.deepEqual([...new Float32Array(bytes.body)], json.body.outputs.flat());
    }));

  const bad = row(0);
  bad[5] = Number.NaN;
  for (const [name, body, type, code] of [
    ['no JSON', '{', 'application/json', undefined],
    ['no rows', { rows: [] }, 'application/json', 'FST_ERR_VALIDATION'],
    ['a short row', { rows: [[1, 2]] }, 'application/json', 'FST_ERR_VALIDATION'],
    ['text for a number', { rows: [[...row(0)].map(String)] }, 'application/json', 'FST_ERR_VALIDATION'],
    ['an unknown key', { rows: [[...row(0)]], more: 1 }, 'application/json', 'FST_ERR_VALIDATION'],
    ['part of a float', Buffer.alloc(47), BINARY, 'ERR_SHAPE'],
    ['part of a row', Buffer.alloc(52), BINARY, 'ERR_SHAPE'],
    ['NaN', Buffer.from(bad.buffer), BINARY, 'ERR_NAN_INPUT'],
  ]) {
    it(`${name} is 400, and nobody else's`, () =>
      serve({}, async ({ post }) => {
        const [wrong, right] = await Promise.all([post('/predict', body, type), predictRow(post, 1)]);
        assert.equal(wrong.status, 400);
        if (code) assert.equal(wrong.body.code, code);
        assert.deepEqual(right.body.outputs, [expected('a.safetensors', 1)]);
      }));
  }

  it('another type of body is 415, more rows than the queue has 413', () =>
    serve({ batcher: { maxQueue: 1 } }, async ({ post }) => {
      assert.equal((await post('/predict', 'x', 'text/plain')).status, 415);
      assert.equal((await post('/predict', { rows: [[...row(0)], [...row(1)]] })).status, 413);
    }));

  for (const [code, status] of [
    ['ERR_QUEUE_FULL', 429],
    ['ERR_CLOSED', 503],
    ['ERR_DISPOSED', 503],
    ['ERR_TIMEOUT', 504],
    ['ERR_KERNEL', 500],
  ]) {
    it(`${code} is ${status}, and counted`, () => {
      const run = () => Promise.reject(new RequantError(code, 'as the model says'));
      return serve({ open: async () => standIn(run) }, async ({ post, get }) => {
        const answer = await predictRow(post, 0);
        assert.equal(answer.status, status);
        assert.deepEqual(answer.body, { code, message: 'as the model says' });
        assert.equal(answer.headers.has('retry-after'), status === 429 || status === 503);
        assert.match((await get('/metrics')).text, new RegExp(`predict_rejections_total{code="${code}"} 1`));
      });
    });
  }

  it('a client that hangs up takes its row along', async () => {
    const aborted = withResolvers();
    const started = withResolvers();
    const run = (_, { signal }) => {
      signal.addEventListener('abort', aborted.resolve);
      started.resolve();
      return aborted.promise.then(() => signal.throwIfAborted());
    };
    await serve({ open: async () => standIn(run) }, async ({ url }) => {
      const request = httpRequest(`${url}/predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      });
      request.on('error', () => {});
      request.end(JSON.stringify({ rows: [[...row(0)]] }));
      await started.promise;
      request.destroy();
      await aborted.promise;
    });
  });
});

const withResolvers = () => {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
};

/** What the plugin serves, with a `run` of the test's. */
function standIn(run) {
  const model = models['a.safetensors'];
  return { name: 'a', model, stats: { queued: 0, running: 0 }, run, close: async () => {} };
}

describe('reload', () => {
  it('the new model answers; requests in flight end on the old one', () =>
    serve({}, async ({ post }) => {
      const calls = Array.from({ length: 40 }, (_, i) => predictRow(post, i));
      const reload = post('/reload', { file: 'b.safetensors' });
      calls.push(...Array.from({ length: 20 }, (_, i) => predictRow(post, 40 + i)));
      assert.deepEqual((await reload).body, { model: 'b.safetensors' });
      (await Promise.all(calls)).forEach(({ status, body }, i) => {
        assert.equal(status, 200);
        assert.deepEqual(body.outputs, [expected(body.model, i)]);
      });
      assert.equal((await predictRow(post, 0)).body.model, 'b.safetensors');
    }));

  it('what is no model of the same shape leaves the old one in its place', () =>
    serve({}, async ({ post, get }) => {
      const answers = [];
      for (const name of ['missing', 'text', 'other.safetensors', '../a.safetensors', '.hidden', ''])
        answers.push((await post('/reload', { file: name })).status);
      assert.deepEqual(answers, [404, 422, 409, 400, 400, 400]);
      assert.equal((await post('/reload', {})).status, 400);
      assert.deepEqual((await predictRow(post, 3)).body.outputs, [expected('a.safetensors', 3)]);
      assert.match((await get('/metrics')).text, /model_reloads_total{outcome="failed"} 3/);
    }));

  it('many at once go one after the other', () =>
    serve({}, async ({ post }) => {
      const names = ['b.safetensors', 'a.safetensors', 'missing', 'b.safetensors'];
      const statuses = await Promise.all(
        names.map(async (name) => (await post('/reload', { file: name })).status),
      );
      assert.deepEqual(statuses, [200, 200, 404, 200]);
    }));
});

describe('around it', () => {
  it('health and metrics', () =>
    serve({}, async ({ post, get }) => {
      await predictRow(post, 0);
      assert.deepEqual(await get('/health/live'), { status: 200, text: '{"status":"alive"}' });
      const health = await get('/health');
      assert.equal(health.status, 200);
      assert.deepEqual(JSON.parse(health.text).model, {
        file: 'a.safetensors',
        kind: 'quantized',
        inFeatures: 12,
        outFeatures: 5,
      });
      const { text } = await get('/metrics');
      for (const line of [
        /http_request_duration_seconds_count{route="\/predict",status="200"} 1/,
        /predict_batch_rows_count 1/,
        /predict_batch_seconds_count 1/,
        /predict_queue_rows 0/,
        /predict_batches_running 0/,
        /process_cpu_seconds_total/,
      ])
        assert.match(text, line);
    }));

  it('a file that is no model is an error at the start', async () => {
    await assert.rejects(createApp({ modelFile: file('text') }), {
      name: 'RequantError',
      code: 'ERR_FORMAT',
    });
  });

  it('draining: not ready, still answering, every connection closed by its answer', () =>
    serve({ drainMs: 1000 }, async ({ post, get, drain }) => {
      const drained = drain();
      assert.equal((await get('/health')).status, 503);
      const answer = await predictRow(post, 2);
      assert.deepEqual(answer.body.outputs, [expected('a.safetensors', 2)]);
      assert.equal(answer.headers.get('connection'), 'close');
      await drained;
      await assert.rejects(predictRow(post, 2));
    }));

  it('SIGTERM under load: what was accepted is answered, exit code 0', async () => {
    const server = spawn(
      process.execPath,
      ['server.mjs', '--model', file('a.safetensors'), '--port', '0', '--drain', '100'],
      {
        cwd: new URL('..', import.meta.url),
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let output = '';
    server.stdout.on('data', (text) => {
      output += text;
    });
    while (!output.includes('\n')) await sleep(10);
    const [url] = output.match(/http:\S+/);
    const input = Buffer.from(row(4).buffer);
    const clients = startClients({
      url: `${url}/predict`,
      body: Buffer.from(input),
      concurrency: 16,
      check: (bytes) => assert.deepEqual([...new Float32Array(bytes)], expected('a.safetensors', 4)),
    });
    await sleep(300);
    server.kill('SIGTERM');
    const [code] = await once(server, 'close');
    const counts = await clients.stop();
    assert.equal(code, 0);
    assert.ok(counts.answered > 0);
    const { lost, wrong, otherStatus } = counts;
    assert.deepEqual({ lost, wrong, otherStatus }, { lost: 0, wrong: 0, otherStatus: 0 });
    // What the process took in, it answered, and every answer arrived.
    const drained = JSON.parse(output.match(/drained (.*)/)[1]);
    assert.deepEqual(drained, { received: counts.answered, answered: counts.answered });
  });
});
