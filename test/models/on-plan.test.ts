import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { calibrate, load, MLP, QuantizedMLP, type QuantizeOptions, quantize, silu } from '../../lib/index';
import { encodeModel } from '../../lib/models/encode';
import { lower } from '../../lib/models/quantize/lower';
import { quantizeSettings } from '../../lib/models/quantize/options';
import { putTogether, takeApart } from '../support/files';
import { randomChain } from '../support/models';
import { Seeded } from '../support/random';

const folder = mkdtempSync(path.join(tmpdir(), 'requant-on-plan-'));
afterAll(() => rmSync(folder, { recursive: true }));

const random = new Seeded(12);
const float = new MLP(randomChain(random, [9, 70, 33, 4], silu));
const rows = random.normals(9 * 40);

const OPTIONS: [name: string, options: QuantizeOptions][] = [
  ['static', {}],
  ['codes at both ends', { output: 'int8', activations: 'symmetric', inputs: 'per-feature' }],
  ['dynamic', { mode: 'dynamic' }],
  ['weight-only', { mode: 'weight-only' }],
  ['mixed', { layers: { fc1: { format: 'float32' }, fc2: { mode: 'dynamic' } } }],
];

describe('a quantized model keeps its int8 weights in the plan alone', () => {
  it.each(OPTIONS)('%s: the file comes out as before', async (_, options) => {
    const calibration = await calibrate(float, rows);
    const graph = lower(float.graph, calibration, quantizeSettings(float.graph, options));
    const before = encodeModel(graph, {});
    using model = quantize(float, calibration, options);
    const [{ tensors }, expected] = [takeApart(model.toBytes()), takeApart(before)];
    expect(tensors).toEqual(expected.tensors);
  });

  it.each(OPTIONS)('%s: loaded, the file deleted, saved again', async (_, options) => {
    using model = quantize(float, await calibrate(float, rows), options);
    const bytes = model.toBytes();
    const file = path.join(folder, 'model.safetensors');
    for (const loadIt of [load, QuantizedMLP.load]) {
      writeFileSync(file, bytes);
      using loaded = await loadIt(file);
      rmSync(file);
      expect(Buffer.compare(loaded.toBytes(), bytes)).toBe(0);
      expect(loaded.stages).toEqual(model.stages);
      expect(loaded.runSync(rows)).toEqual(model.runSync(rows));
      expect(loaded.input).toEqual(model.input);
    }
  });

  it('uint8 weights with zero points', async () => {
    using int8 = quantize(float, null, { mode: 'dynamic' });
    const file = takeApart(int8.toBytes());
    const node = (file.document as { nodes: { weight?: Record<string, string> }[] }).nodes[0]!;
    const { data, shape } = file.tensors.get('fc1.weight')!;
    const raised = Uint8Array.from(data, (code) => code + 128);
    file.tensors.set('fc1.weight', { dtype: 'uint8', shape, data: raised });
    const zeroPoints = { dtype: 'int32', shape: [70], data: new Int32Array(70).fill(128) } as const;
    file.tensors.set('fc1.weight_zero_point', zeroPoints);
    Object.assign(node.weight!, { format: 'uint8', zeroPoint: 'fc1.weight_zero_point' });
    using loaded = await QuantizedMLP.load(putTogether(file));
    expect(takeApart(loaded.toBytes()).tensors).toEqual(file.tensors);
    expect(loaded.runSync(rows)).toEqual(int8.runSync(rows));
  });

  it("the caller's bytes stay as they are", async () => {
    using model = quantize(float, null, { mode: 'dynamic' });
    const bytes = model.toBytes();
    const copy = bytes.slice();
    using _ = await QuantizedMLP.load(bytes);
    expect(Buffer.compare(bytes, copy)).toBe(0);
  });

  it('a disposed model has no weights left to save', () => {
    const model = quantize(float, null, { mode: 'dynamic' });
    const { stages } = model;
    model.dispose();
    expect(() => model.toBytes()).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
    expect(model.stages).toEqual(stages);
  });
});
