import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { layerNorm, MLP, quantize, relu } from '../../lib/index';
import { version } from '../../lib/version';
import { OnnxBuilder } from '../support/onnx-builder';
import { cli, errorLine, Folder, json, smallLayers } from './support';

const folder = new Folder();
const float = folder.model('float.safetensors');
const rows = folder.rows('rows.npy', 50);
const int8 = folder.at('int8.safetensors');

async function quantized(...options: string[]): Promise<void> {
  const argv = ['quantize', float, '--calibrate', rows, '-o', int8, '--metadata', 'owner=me', ...options];
  expect((await cli(argv)).code).toBe(0);
}

describe('inspect', () => {
  it('shows a float model', async () => {
    const { code, stdout } = await cli(['inspect', float]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/kind +float\n/);
    expect(stdout).toMatch(/input +input, 6 features, float32/);
    expect(stdout).toMatch(/0 +linear +float32 +8×6 +224 +float32\n/);
    expect(stdout).toMatch(/sha256 +[0-9a-f]{64} \(checked\)/);
  });

  it('shows ports, grids, metadata and record of a quantized one', async () => {
    await quantized();
    const { code, stdout } = await cli(['inspect', int8]);
    expect(code).toBe(0);
    expect(stdout).toContain(`requant ${version()}, format version 1`);
    expect(stdout).toMatch(/kind +quantized, rounding half-up/);
    expect(stdout).toMatch(/input +input, 6 features, uint8, scale [\d.e-]+, zero point \d+/);
    expect(stdout).toMatch(/0 +linear +int8 static +8×6 +\d+ +uint8 +[\d.e-]+ +\d+\n/);
    expect(stdout).toContain('metadata\nowner  me');
    expect(stdout).toMatch(/record\ncalibrate +method \w+, rows 50\nquantize +mode static/);
  });

  it('shows zero blocks where there are many', async () => {
    await quantized('--prune', '0.5', '--prune-unit', 'block');
    const { stdout } = await cli(['inspect', int8]);
    expect(stdout).toMatch(/zero point +zero blocks\n0 +linear .* 50 %\n/);
    const report = json(await cli(['inspect', int8, '--json']));
    expect(report['nodes']).toContainEqual(expect.objectContaining({ zeros: { weights: 0.5, blocks: 0.5 } }));
    expect((await cli(['inspect', float])).stdout).not.toContain('zero blocks');
  });

  it('shows a layer norm with the bytes of its weights', async () => {
    using model = new MLP([layerNorm({ features: 3, weight: new Float32Array(3).fill(1) })]);
    const { code, stdout } = await cli(['inspect', folder.write('norm.safetensors', model.toBytes())]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/0 +layerNorm +float32 +3 +12 +float32/);
  });

  it('shows an ONNX file and who wrote it; the other commands read it too', async () => {
    const b = new OnnxBuilder(17);
    const onnx = folder.write('m.onnx', b.encode([6], b.node('Tanh', [b.node('Neg', ['x'])])));
    const { code, stdout } = await cli(['inspect', onnx]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/made by +requant [\d.]+, ONNX\n/);
    expect(stdout).toMatch(/v1 +tanh +float32 +6 +0 +float32/);
    const out = folder.at('onnx.int8.safetensors');
    expect((await cli(['quantize', onnx, '--calibrate', rows, '-o', out])).code).toBe(0);
    expect((await cli(['eval', out, '--test', rows, '--against', onnx])).code).toBe(0);
    const refused = await cli(['inspect', onnx, '--activation', 'relu']);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--activation')]);
  });

  it('--json', async () => {
    await quantized('--inputs', 'per-feature');
    const ran = await cli(['inspect', int8, '--json']);
    expect(ran.code).toBe(0);
    expect(json(ran)).toMatchObject({
      command: 'inspect',
      kind: 'quantized',
      formatVersion: 1,
      producer: `requant ${version()}`,
      bytes: readFileSync(int8).length,
      metadata: { owner: 'me' },
      input: { dtype: 'uint8', features: 6, scale: expect.arrayContaining([expect.any(Number)]) },
      nodes: [{ op: 'linear', format: 'int8 static', shape: [8, 6] }, { op: 'linear' }],
    });
    expect((await cli(['inspect', int8])).stdout).toContain('(one a feature)');
  });

  it('reads a checkpoint with --activation', async () => {
    const checkpoint = folder.checkpoint('checkpoint.safetensors');
    const ran = await cli(['inspect', checkpoint, '--activation', 'tanh']);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('unknown (a checkpoint)');
    expect(ran.stdout).toContain('none in the file');
    expect(ran.stdout).toContain('tanh');
  });

  it('finds a changed byte: exit 1', async () => {
    const bytes = readFileSync(float);
    bytes[bytes.length - 1]! ^= 1;
    const ran = await cli(['inspect', folder.write('changed.safetensors', bytes), '--json']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(errorLine('ERR_FORMAT'));
    expect(json(ran)).toMatchObject({ error: { code: 'ERR_FORMAT' } });
    expect(ran.stderr).toContain('the file was changed');
  });

  it('escapes what would drive the terminal', async () => {
    using model = new MLP([...smallLayers(), { ...relu(), name: 'a\x1b[2Jb' }]);
    using small = quantize(model, null, { mode: 'dynamic' });
    const bytes = small.toBytes({ metadata: { note: 'x\u001b]0;title\u0007\u202e' } });
    const { code, stdout } = await cli(['inspect', folder.write('hostile.safetensors', bytes)]);
    expect(code).toBe(0);
    expect(stdout).toContain('a\\u{1b}[2Jb');
    for (const character of ['\x1b', '\x07', '\u202e']) expect(stdout).not.toContain(character);
  });
});
