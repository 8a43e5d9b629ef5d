import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ReportData } from '../../lib/report';
import { CLASSES, cli, errorLine, Folder, json, ownLabels, randomRows, smallLayers } from './support';

const folder = new Folder();
const float = folder.model('float.safetensors');
const rows = folder.rows('rows.npy', 150);
const test = folder.rows('test.npy', 80, undefined, 4);
const labels = folder.labels('labels.npy', ownLabels(smallLayers(), randomRows(80, undefined, 4)));
const page = folder.at('report.html');

interface Printed {
  readonly report: ReportData;
  readonly bytes: number;
}

async function made(...args: string[]): Promise<Printed> {
  const ran = await cli(['report', ...args, '--no-latency', '-o', page, '--json']);
  expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: '' });
  return json(ran) as unknown as Printed;
}

describe('report', () => {
  it('writes a page, and prints what stands in it', async () => {
    const { report, bytes } = await made(float, '--calibrate', rows, '--test', test, '--labels', labels);
    const html = readFileSync(page, 'utf8');
    expect(Buffer.byteLength(html)).toBe(bytes);
    expect(html).toContain('<h1>float.safetensors</h1>');
    expect(report.summary[0]).toMatchObject({ format: 'float32', accuracy: 100 });
    expect(report.rows).toMatchObject({ test: 80, labels: true, calibration: 150 });
  });

  it('words for people', async () => {
    const { code, stdout } = await cli(['report', float, '--calibrate', rows, '--no-latency', '-o', page]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^rows +150 rows of the calibration$/m);
    expect(stdout).toMatch(/^int8 +agreement [\d.]+ %, SQNR [\d.]+ dB, /m);
    expect(stdout).toMatch(/^written +\S+report\.html, [\d.]+ KiB, 2 layers/m);
  });

  it('checkpoints, title, date, part of the rows, other grids', async () => {
    const checkpoint = folder.checkpoint('checkpoint.safetensors');
    const args = ['--activation', 'relu', '--calibrate', rows, '--test', test, '--labels', labels];
    const more = ['--rows', '30', '--title', 'My <model>', '--date', 'today', '--weights', 'per-tensor'];
    const { report } = await made(checkpoint, ...args, ...more, '--method', 'minmax', '--max-layers', '1');
    expect(report).toMatchObject({
      title: 'My <model>',
      date: 'today',
      rows: { test: 30 },
      calibration: { method: 'minmax' },
    });
    expect(report.layers).toHaveLength(1);
    expect(readFileSync(page, 'utf8')).toContain('<h1>My &lt;model&gt;</h1>');
  });

  it('usage', async () => {
    const usage = async (...args: string[]) => {
      const ran = await cli(['report', ...args]);
      expect([args, ran.code]).toEqual([args, 2]);
      expect(ran.stderr).toMatch(errorLine('ERR_USAGE'));
    };
    await usage(float, '-o', page);
    await usage(float, '--calibrate', rows);
    await usage(float, '--calibrate', rows, '-o', float);
    await usage(float, '--calibrate', rows, '--labels', labels, '-o', page);
    await usage(float, '--calibrate', rows, '--percentile', '99', '-o', page);
    await usage(float, '--calibrate', rows, '--rows', '0', '-o', page);
  });

  it('errors leave no page behind', async () => {
    const none = folder.at('none.html');
    const failed = async (code: string, ...args: string[]) => {
      const ran = await cli(['report', ...args, '-o', none]);
      expect(ran).toMatchObject({ code: 1, stderr: expect.stringMatching(errorLine(code)) });
      expect(folder.names).not.toContain('none.html');
    };
    await failed('ERR_SHAPE', float, '--calibrate', folder.rows('narrow.npy', 3, 2));
    const wrong = folder.labels('wrong.npy', new Array(80).fill(CLASSES));
    await failed('ERR_ARGUMENT', float, '--calibrate', rows, '--test', test, '--labels', wrong);
    const int8 = folder.at('int8.safetensors');
    await cli(['quantize', float, '--calibrate', rows, '-o', int8]);
    await failed('ERR_MODEL_KIND', int8, '--calibrate', rows);
  });

  it('Ctrl-C: 130 and nothing written', async () => {
    const stopped = folder.at('stopped.html');
    const ran = await cli(['report', float, '--calibrate', rows, '-o', stopped], {
      signal: AbortSignal.abort(),
    });
    expect(ran.code).toBe(130);
    expect(folder.names).not.toContain('stopped.html');
  });

  it('help with examples', async () => {
    const { code, stdout } = await cli(['report', '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}requant report /);
  });
});
