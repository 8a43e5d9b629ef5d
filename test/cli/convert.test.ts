import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { load, MLP } from '../../lib/index';
import { exportOnnx } from '../../lib/onnx';
import { expectSameBytes } from '../support/bytes';
import { cli, errorLine, Folder, json, randomRows } from './support';

const folder = new Folder();
const float = folder.model('float.safetensors');
const int8 = folder.at('int8.safetensors');
const rows = folder.rows('rows.npy', 50);

beforeAll(async () => {
  const argv = ['quantize', float, '--calibrate', rows, '-o', int8, '--metadata', 'owner=me'];
  expect((await cli(argv)).code).toBe(0);
});

describe('convert', () => {
  it('to ONNX as exportOnnx writes it, and back: the same bits', async () => {
    const onnx = folder.at('float.onnx');
    const ran = await cli(['convert', float, onnx]);
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/model +float, 6 → 3 features, 3 nodes/);
    expect(ran.stdout).toMatch(/written +.*float\.onnx, .*opset 17/);
    using model = await MLP.load(float);
    expect(readFileSync(onnx)).toEqual(Buffer.from(exportOnnx(model)));
    const back = folder.at('back.safetensors');
    expect((await cli(['convert', onnx, back])).code).toBe(0);
    using again = await load(back);
    expectSameBytes(again.runSync(randomRows(20)), model.runSync(randomRows(20)));
  });

  it('--opset and --json', async () => {
    const onnx = folder.at('int8.onnx');
    const ran = await cli(['convert', int8, onnx, '--opset', '21', '--json']);
    expect(json(ran)).toMatchObject({
      command: 'convert',
      input: { path: int8, bytes: readFileSync(int8).length },
      output: { path: onnx, format: 'onnx', opset: 21, bytes: readFileSync(onnx).length },
      model: { kind: 'quantized', inFeatures: 6, outFeatures: 3 },
    });
    expect(readFileSync(onnx).includes('owner')).toBe(true);
  });

  it('a checkpoint with --activation', async () => {
    const checkpoint = folder.checkpoint('checkpoint.safetensors');
    const argv = ['convert', checkpoint, folder.at('checkpoint.onnx'), '--activation', 'tanh'];
    expect((await cli(argv)).code).toBe(0);
    const own = folder.at('own.safetensors');
    expect((await cli(['convert', checkpoint, own, '--activation', 'tanh'])).code).toBe(0);
    expect((await load(own)).stages.map(({ op }) => op)).toContain('tanh');
  });

  it.each([
    { args: [float, folder.at('never.pt')], code: 2, error: 'ERR_USAGE', message: /\.onnx or \.safetensors/ },
    { args: [float, folder.at('never.safetensors'), '--opset', '17'], code: 2, error: 'ERR_USAGE' },
    { args: [float, float], code: 2, error: 'ERR_USAGE', message: /other than the input/ },
    {
      args: [float, folder.at('never.onnx'), '--opset', '6'],
      code: 1,
      error: 'ERR_ARGUMENT',
      message: /7…23/,
    },
    {
      args: [int8, folder.at('never.onnx'), '--opset', '12'],
      code: 1,
      error: 'ERR_UNSUPPORTED',
      message: /13/,
    },
    { args: [rows, folder.at('never.onnx')], code: 1, error: 'ERR_FORMAT' },
    { args: [folder.at('none.onnx'), folder.at('never.onnx')], code: 1, error: 'ERR_IO' },
  ])('$error writes nothing', async ({ args, code, error, message = /./ }) => {
    const ran = await cli(['convert', ...args]);
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code, stdout: '' });
    expect(ran.stderr).toMatch(errorLine(error));
    expect(ran.stderr).toMatch(message);
    for (const name of ['never.pt', 'never.onnx', 'never.safetensors'])
      expect(existsSync(folder.at(name))).toBe(false);
  });
});
