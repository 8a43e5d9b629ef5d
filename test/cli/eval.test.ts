import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeNpy } from '../../lib/formats/npy';
import { linear, MLP, QuantizedMLP, sigmoid } from '../../lib/index';
import { cli, errorLine, FEATURES, Folder, json, ownLabels, randomRows, smallLayers } from './support';

const ROWS = 101;
const folder = new Folder();
const float = folder.model('float.safetensors');
const test = folder.rows('test.npy', ROWS);
const int8 = folder.at('int8.safetensors');
const right = ownLabels(smallLayers(), randomRows(ROWS));
const labels = folder.labels('labels.npy', right);

beforeAll(async () => {
  expect((await cli(['quantize', float, '--calibrate', test, '-o', int8])).code).toBe(0);
});

describe('eval', () => {
  it('accuracy with labels', async () => {
    const half = folder.labels(
      'half.npy',
      right.map((label, i) => (i < 50 ? label : (label + 1) % 3)),
    );
    const ran = await cli(['eval', float, '--test', test, '--labels', half, '--batch', '7', '--json']);
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: '' });
    expect(json(ran)).toMatchObject({
      rows: ROWS,
      accuracy: { correct: 50, percent: 5000 / ROWS },
      rowsPerSecond: expect.any(Number),
      against: null,
    });
    const { stdout } = await cli(['eval', float, '--test', test, '--labels', labels]);
    expect(stdout).toMatch(/accuracy +100\.00 % \(101 right\)/);
    expect(stdout).toMatch(/speed +[\d,]+ rows\/s/);
  });

  it('--against: agreement, difference, SQNR', async () => {
    using a = await QuantizedMLP.load(int8);
    using b = await MLP.load(float);
    const [x, y] = [a.runSync(randomRows(ROWS)), b.runSync(randomRows(ROWS))];
    const signal = y.reduce((sum, v) => sum + v ** 2, 0);
    const noise = y.reduce((sum, v, i) => sum + (v - x[i]!) ** 2, 0);
    const ran = await cli(['eval', int8, '--test', test, '--against', float, '--labels', labels, '--json']);
    const { against } = json(ran) as unknown as { against: Record<string, number> };
    expect(against['maxAbs']).toBe(Math.max(...y.map((v, i) => Math.abs(v - x[i]!))));
    expect(against['sqnrDb']).toBeCloseTo(10 * Math.log10(signal / noise), 8);
    expect(against['agreementPercent']).toBeGreaterThan(90);
    expect(against['accuracy']).toEqual({ correct: ROWS, percent: 100 });
    const { stdout } = await cli(['eval', int8, '--test', test, '--against', float]);
    expect(stdout).toMatch(/agreement +[\d.]+ % of rows/);
    expect(stdout).toMatch(/SQNR +[\d.]+ dB/);
  });

  it('the same outputs have no noise', async () => {
    const argv = ['eval', int8, '--test', test, '--against', int8];
    expect((await cli(argv)).stdout).toContain('∞ (the same outputs)');
    expect(json(await cli([...argv, '--json']))).toMatchObject({
      against: { sqnrDb: null, maxAbs: 0, agreementPercent: 100, changedRows: 0 },
    });
  });

  it('-o: the outputs as .npy, whatever the batches', async () => {
    using model = await QuantizedMLP.load(int8);
    const whole = encodeNpy(model.runSync(randomRows(ROWS)), [ROWS, 3]);
    for (const batch of ['1', '10', '1000']) {
      const out = folder.at(`outputs${batch}.npy`);
      expect((await cli(['eval', int8, '--test', test, '--batch', batch, '-o', out])).code).toBe(0);
      expect(readFileSync(out)).toEqual(Buffer.from(whole));
    }
  });

  it('--scale-input', async () => {
    const doubled = folder.at('doubled.npy');
    const argv = ['eval', float, '--test', test, '--scale-input', '2', '-o', doubled];
    expect((await cli(argv)).code).toBe(0);
    using model = await MLP.load(float);
    const expected = encodeNpy(model.runSync(randomRows(ROWS).map((v) => 2 * v)), [ROWS, 3]);
    expect(readFileSync(doubled)).toEqual(Buffer.from(expected));
  });

  it('--activation is for the file that lacks layers', async () => {
    const checkpoint = folder.checkpoint('checkpoint.safetensors');
    const argv = ['eval', float, '--test', test, '--against', checkpoint];
    expect((await cli([...argv, '--activation', 'relu'])).code).toBe(0);
    expect((await cli(argv)).code).toBe(1);
    const needless = await cli(['eval', float, '--test', test, '--activation', 'relu']);
    expect(needless.code).toBe(2);
    expect(needless.stderr).toMatch(errorLine('ERR_USAGE'));
  });

  it('one output: class 1 above 0, behind a sigmoid above 0.5', async () => {
    const weight = Float32Array.from({ length: FEATURES }, (_, i) => Number(i === 0));
    const logit = linear({ inFeatures: FEATURES, outFeatures: 1, weight, bias: false });
    const positive = Array.from({ length: ROWS }, (_, i) => Number(randomRows(ROWS)[i * FEATURES]! > 0));
    const signs = folder.labels('signs.npy', positive);
    for (const layers of [[logit], [logit, sigmoid()]]) {
      const model = folder.model('binary.safetensors', layers);
      const ran = await cli(['eval', model, '--test', test, '--labels', signs, '--json']);
      expect(json(ran)).toMatchObject({ accuracy: { percent: 100 } });
    }
  });
});

describe('eval: failures leave no file', () => {
  const never = folder.at('never.npy');

  it.each([
    { error: 'ERR_SHAPE', args: ['--test', folder.rows('wide.npy', 3, 9)], message: /6 features .* 9/ },
    { error: 'ERR_SHAPE', args: ['--test', test, '--against', other()], message: /6 → 3 .*6 → 1/ },
    { error: 'ERR_NAN_INPUT', args: ['--test', nan(), '--batch', '2'], message: /row 4, column 1/ },
    { error: 'ERR_SHAPE', args: ['--test', test, '--labels', folder.labels('few.npy', [1])], message: /101/ },
  ])('$error $message', async ({ error, args, message }) => {
    const { code, stdout, stderr } = await cli(['eval', int8, ...args, '-o', never]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(errorLine(error));
    expect(stderr).toMatch(message);
    expect(folder.names.filter((name) => name.startsWith('never'))).toEqual([]);
  });

  it('Ctrl-C while outputs are written: exit 130', async () => {
    const interrupt = new AbortController();
    const many = folder.rows('many.npy', 20_000);
    const running = cli(['eval', int8, '--test', many, '--batch', '1', '-o', never], {
      signal: interrupt.signal,
    });
    while (!folder.names.some((name) => name.startsWith('never'))) await new Promise(setImmediate);
    interrupt.abort();
    const { code, stderr } = await running;
    expect(code).toBe(130);
    expect(stderr).toMatch(errorLine('ERR_ABORTED'));
    expect(folder.names.filter((name) => name.startsWith('never'))).toEqual([]);
  });

  function other(): string {
    return folder.model('other.safetensors', smallLayers(1));
  }

  function nan(): string {
    const values = randomRows(5);
    values[4 * FEATURES + 1] = Number.NaN;
    return folder.write('nan.npy', encodeNpy(values, [5, FEATURES]));
  }
});
