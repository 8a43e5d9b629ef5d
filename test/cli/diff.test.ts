import { beforeAll, describe, expect, it } from 'vitest';
import { linear, MLP, QuantizedMLP, relu } from '../../lib/index';
import { cli, errorLine, FEATURES, Folder, json, randomRows, smallLayers } from './support';

const ROWS = 600;
const folder = new Folder();
const float = folder.model('float.safetensors');
const rows = folder.rows('rows.npy', ROWS);
const int8 = folder.at('int8.safetensors');
const codes = folder.at('codes.safetensors');

interface Report {
  readonly matchedBy: string;
  readonly rows: number;
  readonly values: readonly Readonly<Record<string, number | string>>[];
  readonly output: Readonly<Record<string, number>>;
}

async function diff(...args: string[]): Promise<Report> {
  const ran = await cli(['diff', ...args, '--json']);
  expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: '' });
  return json(ran) as unknown as Report;
}

beforeAll(async () => {
  for (const [path, ...more] of [[int8], [codes, '--output', 'int8']])
    expect((await cli(['quantize', float, '--calibrate', rows, '-o', path!, ...more])).code).toBe(0);
});

describe('diff', () => {
  it('a model and itself: all bits, in every layer, over several batches', async () => {
    for (const model of [float, int8, codes]) {
      const { values, output, rows: compared } = await diff(model, model, '--data', rows);
      expect(compared).toBe(ROWS);
      expect(values.length).toBeGreaterThan(2);
      for (const value of [...values, output])
        expect(value).toMatchObject({ equalPercent: 100, maxAbs: 0, meanAbs: 0, sqnrDb: null });
      expect(output).toMatchObject({ agreementPercent: 100, changedRows: 0 });
    }
  });

  it('float and int8: their layers, and the outputs as the models give them', async () => {
    const { matchedBy, values, output } = await diff(float, int8, '--data', rows);
    expect(matchedBy).toBe('name');
    expect(values.map(({ a, b, features }) => [a, b, features])).toEqual([
      ['input', 'input', 6],
      ['1', '1', 8],
      ['2', '2', 3],
    ]);
    using a = await MLP.load(float);
    using b = await QuantizedMLP.load(int8);
    const [x, y] = [a.runSync(randomRows(ROWS)), b.runSync(randomRows(ROWS))];
    const errors = x.map((v, i) => Math.abs(v - y[i]!));
    expect(output['maxAbs']).toBe(Math.max(...errors));
    const signal = x.reduce((sum, v) => sum + v ** 2, 0);
    const noise = x.reduce((sum, v, i) => sum + (v - y[i]!) ** 2, 0);
    expect(output['sqnrDb']).toBeCloseTo(10 * Math.log10(signal / noise), 6);
    expect(output['cosine']).toBeGreaterThan(0.999);
    expect(output['agreementPercent']).toBeGreaterThan(90);
    expect(values[2]).toMatchObject({ maxAbs: output['maxAbs'], sqnrDb: output['sqnrDb'] });
  });

  it('codes as the real numbers they stand for', async () => {
    const { output } = await diff(float, codes, '--data', rows);
    expect(output['sqnrDb']).toBeGreaterThan(25);
  });

  it('takes the first --rows rows', async () => {
    const { rows: compared, output } = await diff(float, int8, '--data', rows, '--rows', '300');
    expect(compared).toBe(300);
    const first = folder.rows('first.npy', 300);
    expect(output).toEqual((await diff(float, int8, '--data', first)).output);
    expect((await diff(float, int8, '--data', rows, '--rows', '9999')).rows).toBe(ROWS);
  });

  it('models whose names differ, in the order of their layers; one in ONNX', async () => {
    const renamed = smallLayers().map((layer, i) => ({ ...layer, name: `layer ${i}` }));
    const other = folder.model('other.safetensors', renamed);
    const onnx = folder.at('other.onnx');
    expect((await cli(['convert', other, onnx])).code).toBe(0);
    const { matchedBy, values, output } = await diff(float, onnx, '--data', rows);
    expect(matchedBy).toBe('order');
    expect(values.map(({ a, b }) => [a, b])).toEqual([
      ['input', 'input'],
      ['1', 'layer 1'],
      ['2', 'layer 2'],
    ]);
    expect(output['equalPercent']).toBe(100);
  });

  it('for people', async () => {
    const { stdout, code } = await cli(['diff', float, int8, '--data', rows]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^value +features +equal bits +max +mean +SQNR +cosine\n/);
    expect(stdout).toMatch(/\n1 +8 +[\d.]+ % +[\d.e-]+ +[\d.e-]+ +[\d.]+ dB +0\.99\d+\n/);
    expect(stdout).toMatch(/rows +600 of /);
    expect(stdout).toMatch(/ {2}agreement +[\d.]+ % of rows/);
  });

  const wide = folder.model('wide.safetensors', [
    linear({ inFeatures: FEATURES, outFeatures: 9, name: 'a' }),
    { ...relu(), name: 'b' },
    linear({ inFeatures: 9, outFeatures: 3, name: 'c' }),
  ]);
  it.each([
    { args: [float, wide, '--data', rows], code: 1, error: 'ERR_SHAPE', message: /8, 3 features/ },
    {
      args: [float, folder.model('one.safetensors', smallLayers(1)), '--data', rows],
      code: 1,
      error: 'ERR_SHAPE',
    },
    { args: [float, int8, '--data', folder.rows('narrow.npy', 3, 5)], code: 1, error: 'ERR_SHAPE' },
    { args: [float, int8], code: 2, error: 'ERR_USAGE', message: /--data/ },
    { args: [float, int8, '--data', rows, '--rows', '0'], code: 2, error: 'ERR_USAGE' },
  ])('$error $args.4', async ({ args, code, error, message = /./ }) => {
    const ran = await cli(['diff', ...args]);
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code, stdout: '' });
    expect(ran.stderr).toMatch(errorLine(error));
    expect(ran.stderr).toMatch(message);
  });

  it('Ctrl-C: exit 130', async () => {
    const interrupt = new AbortController();
    interrupt.abort();
    const ran = await cli(['diff', float, int8, '--data', rows], { signal: interrupt.signal });
    expect(ran.code).toBe(130);
  });
});
