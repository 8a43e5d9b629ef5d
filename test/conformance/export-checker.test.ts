import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { encodeModel, graph, node, value } from '../../lib/formats/onnx';
import {
  calibrate,
  concat,
  layerNorm,
  linear,
  logSoftmax,
  MLP,
  quantize,
  residual,
  softmax,
} from '../../lib/index';
import type { Model } from '../../lib/models/model';
import { exportOnnx } from '../../lib/onnx';
import { ACTIVATIONS } from '../support/models';
import { Seeded } from '../support/random';

const SCRIPT = path.join(__dirname, 'check-onnx.py');
/** What onnx 1.12 of Debian 12 knows. */
const LATEST_OPSET = 17;
const folder = mkdtempSync(path.join(tmpdir(), 'requant-onnx-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A Python that has the package onnx: another than the system's may come first in PATH. */
const python = ['python3', '/usr/bin/python3'].find(
  (command) => spawnSync(command, ['-c', 'import onnx']).status === 0,
);
// Where everything is installed, a missing checker is a failure.
const isMissing = python === undefined && process.env['CI'] === undefined;

/** One layer of each kind between Linear layers, and branches. */
function models(): [string, MLP][] {
  const one = (layer: ReturnType<typeof softmax>) =>
    new MLP([
      linear({ inFeatures: 6, outFeatures: 5 }),
      layer,
      linear({ inFeatures: 5, outFeatures: 3, bias: false }),
    ]);
  const branches = new MLP([
    linear({ inFeatures: 6, outFeatures: 4 }),
    residual([linear({ inFeatures: 4, outFeatures: 4 }), softmax()]),
    concat([[], [linear({ inFeatures: 4, outFeatures: 2 }), logSoftmax()]]),
    linear({ inFeatures: 6, outFeatures: 3 }),
  ]);
  return [
    ['layerNorm', one(layerNorm({ features: 5 }))],
    ...Object.entries(ACTIVATIONS).map(([name, make]) => [name, one(make())] as [string, MLP]),
    ['branches', branches],
  ];
}

const check = (files: readonly string[]) =>
  spawnSync(python ?? 'python3', [SCRIPT, ...files], { encoding: 'utf8' });

it.skipIf(isMissing)('the checker tells a wrong file', () => {
  const file = path.join(folder, 'wrong.onnx');
  const graphOf = (opType: string) =>
    graph({
      name: 'g',
      inputs: [value('x', 'float32', ['batch', 2])],
      outputs: [value('y', 'float32', ['batch', 2])],
      initializers: [],
      nodes: [node(opType, ['x'], ['y'])],
    });
  for (const [opType, status] of [
    ['Relu', 0],
    ['Gelu', 1],
  ] as const) {
    writeFileSync(file, encodeModel(graphOf(opType)));
    expect(check([file]).status).toBe(status);
  }
});

it.skipIf(isMissing)(`ONNX's own checker accepts every file (skipped without python3-onnx)`, async () => {
  const files: string[] = [];
  const write = (name: string, model: Model, opset: number) => {
    const file = path.join(folder, `${name}.${opset}.onnx`);
    writeFileSync(file, exportOnnx(model, { opset }));
    files.push(file);
  };
  const rows = new Seeded(1).normals(60);
  for (const [name, float] of models()) {
    for (let opset = 7; opset <= LATEST_OPSET; opset++)
      if (name !== 'gelu' || opset >= 9) write(name, float, opset);
    const ranges = await calibrate(float, rows, { method: 'minmax' });
    for (let opset = 13; opset <= LATEST_OPSET; opset++) {
      write(`${name}.codes`, quantize(float, ranges, { output: 'int8', activations: 'symmetric' }), opset);
      write(`${name}.int8`, quantize(float, ranges), opset);
      write(`${name}.tensor`, quantize(float, ranges, { weights: 'per-tensor' }), opset);
      write(`${name}.dynamic`, quantize(float, null, { mode: 'dynamic' }), opset);
      write(`${name}.weight-only`, quantize(float, null, { mode: 'weight-only' }), opset);
    }
    if (name !== 'branches')
      write(`${name}.per-feature`, quantize(float, ranges, { inputs: 'per-feature' }), LATEST_OPSET);
  }
  expect(files.length).toBeGreaterThan(400);
  const { stdout, stderr, status } = check(files);
  expect(
    stdout.split('\n').filter((line) => line.startsWith('invalid')),
    stderr,
  ).toEqual([]);
  expect(status, stderr).toBe(0);
});
