import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { calibrate, linear, MLP, quantize, sigmoid } from '../../lib/index';
import { packageRoot } from '../../lib/package-root';
import { report } from '../../lib/report/report';
import { expectRejection } from '../support/errors';
import { chain, normalRows, ownLabels, quickReport } from './support';

describe('report', () => {
  it('is plain JSON: nothing is lost on the way through a file', async () => {
    const { data } = await quickReport(chain(), { withLabels: true });
    expect(JSON.parse(JSON.stringify(data))).toEqual(data);
  });

  it('sets float32 and int8 side by side, with labels', async () => {
    using model = new MLP(chain());
    const { data } = await quickReport(chain(), { withLabels: true });
    const [float, int8] = data.summary;
    expect(float).toMatchObject({
      format: 'float32',
      accuracy: 100,
      agreement: 100,
      sqnrDb: null,
    });
    expect(float!.bytes).toBe(model.toBytes().length);
    expect(int8!.accuracy).toBe(int8!.agreement);
    expect(int8!.accuracy).toBeGreaterThan(90);
    expect(int8!.sqnrDb).toBeGreaterThan(25);
    expect(data.rows).toEqual({
      calibration: 200,
      test: 300,
      testIsCalibration: false,
      labels: true,
      observed: 300,
    });
    expect(data.model).toMatchObject({ inFeatures: 12, outFeatures: 4, layers: 3, parameters: 380 });
    expect(data.model.operators).toEqual(['linear 12 → 16', 'relu', 'linear 16 → 8', 'relu', 'linear 8 → 4']);
    expect(data.calibration.method).toBe('mse');
    expect(data.calibration.ranges[0]!.name).toBe('input');
    expect(data.calibration.record.map(({ step }) => step)).toEqual(['calibrate', 'quantize']);
    expect(data.date).toBeNull();
  });

  it('methods: the float model first, then what quantize offers', async () => {
    const { data } = await quickReport(chain(), { withLabels: true, withMethods: true });
    const [float, chosen, ...others] = data.methods;
    expect(float).toMatchObject({ name: 'float32', accuracy: 100, drop: 0, latency: null });
    expect(chosen).toMatchObject({ sqnrDb: data.summary[1]!.sqnrDb, bytes: data.summary[1]!.bytes });
    expect(others.length).toBeGreaterThan(5);
    for (const { error, bytes, drop, accuracy } of others)
      if (error === undefined)
        expect([drop, bytes < 2 * float!.bytes]).toEqual([expect.closeTo(100 - accuracy!, 9), true]);
  });

  it('ranks the layers by what each costs alone', async () => {
    const { data } = await quickReport();
    const ranking = data.sensitivity.map(({ sqnrDb }) => sqnrDb!);
    expect(ranking).toHaveLength(3);
    expect(ranking).toEqual([...ranking].sort((a, b) => a - b));
  });

  it('without labels and with one output there is no class', async () => {
    const { data } = await quickReport([linear({ inFeatures: 4, outFeatures: 1 }), sigmoid()]);
    expect(data.summary[1]).toMatchObject({ accuracy: null, agreement: null });
    expect(data.advice[0]!.text).toMatch(/SQNR/);
  });

  it('measures on the kept rows where there are no others', async () => {
    using model = new MLP(chain());
    const calibration = await calibrate(model, normalRows(60));
    const { data } = await report(model, { calibration, latency: false });
    expect(data.rows).toMatchObject({ test: 60, testIsCalibration: true });
  });

  it('bounds what it shows and says so', async () => {
    const { data, html } = await quickReport(chain([6, 5, 5, 5, 5, 5, 3]), {
      maxLayers: 3,
      observedRows: 40,
    });
    expect(data.layers.map(({ name }) => name)).toEqual(['fc1', 'fc2', 'fc6']);
    expect(data.sensitivity).toHaveLength(3);
    expect(data.rows).toMatchObject({ test: 300, observed: 40 });
    expect(data.notes).toHaveLength(3);
    for (const note of data.notes) expect(html).toContain(note);
  });

  it('leaves out the methods that there is no time for', async () => {
    const { data } = await quickReport(chain(), { budget: 0 });
    expect(data.methods.map(({ name }) => name)).toEqual(['float32']);
    expect(data.notes.join()).toMatch(/not enough for \d+ methods/);
  });

  it('times each method where it may', async () => {
    const { data } = await quickReport([linear({ inFeatures: 3, outFeatures: 2 })], {
      latency: true,
      withMethods: true,
    });
    for (const { latency, error } of data.methods)
      if (error === undefined) {
        expect(latency!.oneRow).toBeGreaterThan(0);
        expect(latency!.batch).toBeGreaterThan(0);
      }
  });

  it('tells how far it is, and stops when it is aborted', async () => {
    const steps = new Set<string>();
    await quickReport(chain(), {
      withMethods: true,
      onProgress: ({ step }) => steps.add(step.split(' ')[0]!),
    });
    expect([...steps]).toEqual(expect.arrayContaining(['int8', 'observe', 'sensitivity', 'draw']));
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = quickReport(chain(), {
      signal: controller.signal,
      withMethods: true,
      onProgress: () => controller.abort(reason),
    });
    await expect(running).rejects.toBe(reason);
  });

  it('takes quantize options of int8', async () => {
    const { data } = await quickReport(chain(), {
      quantize: { weights: 'per-tensor', rounding: 'gemmlowp' },
    });
    expect(data.layers[0]!.weights.grids.map(({ label }) => label)).toContain('int8');
    expect(data.calibration.record.at(-1)).toMatchObject({ weights: 'per-tensor', rounding: 'gemmlowp' });
  });

  it('refuses what is wrong', async () => {
    using model = new MLP(chain());
    const calibration = await calibrate(model, normalRows(20));
    using int8 = quantize(model, calibration);
    await expectRejection(report(int8 as unknown as MLP, { calibration }), 'ERR_MODEL_KIND');
    await expectRejection(report(model, undefined as never), 'ERR_ARGUMENT', /calibration/);
    await expectRejection(report(model, { calibration, colour: 'red' } as never), 'ERR_ARGUMENT', /colour/);
    const inputs = calibration.kept;
    const labels = ownLabels(model, inputs);
    const withData = (data: object) => report(model, { calibration, data: data as never });
    await expectRejection(withData({ labels }), 'ERR_DTYPE', /inputs/);
    await expectRejection(withData({ inputs, labels: labels.subarray(1) }), 'ERR_SHAPE');
    await expectRejection(withData({ inputs, labels: new Uint8Array(20).fill(4) }), 'ERR_ARGUMENT', /0…3/);
    await expectRejection(withData({ inputs, labels: [1] }), 'ERR_DTYPE');
    await expectRejection(withData({ inputs: inputs.subarray(1) }), 'ERR_SHAPE');
    await expectRejection(withData({ inputs: new Float64Array(12) }), 'ERR_DTYPE');
    await expectRejection(withData({ inputs: new Float32Array(0) }), 'ERR_ARGUMENT');
    for (const bad of [
      { maxLayers: 0 },
      { observedRows: 0.5 },
      { seed: -1 },
      { title: 3 },
      { latency: 'no' },
      { budget: -1 },
    ])
      await expectRejection(report(model, { calibration, ...(bad as object) }), 'ERR_ARGUMENT');
    await expectRejection(
      withData({ inputs: Float32Array.from({ length: 12 }, () => Number.NaN) }),
      'ERR_NAN_INPUT',
    );
  });
});

describe('without echarts', () => {
  it('the rest works, and a report is ERR_PEER with the command that installs it', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'requant-peer-'));
    try {
      for (const name of ['dist', 'package.json', 'node_modules/node-gyp-build'])
        cpSync(path.join(packageRoot, name), path.join(folder, name), { recursive: true });
      symlinkSync(path.join(packageRoot, 'build'), path.join(folder, 'build'));
      const script = `
        const { calibrate, linear, MLP } = require('./dist/index.js');
        const { report } = require('./dist/report.js');
        const model = new MLP([linear({ inFeatures: 2, outFeatures: 3 })]);
        calibrate(model, new Float32Array(20))
          .then((calibration) => report(model, { calibration }))
          .then(() => 'none', ({ code, message }) => code + ' ' + message)
          .then((text) => console.log(text));`;
      const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(stderr).toBe('');
      expect(stdout).toMatch(/^ERR_PEER .*npm install echarts\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
