import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Cell } from '../../lib/cli/benchmark/cells';
import { encodeNpy } from '../../lib/formats/npy';
import { cli, errorLine, FEATURES, Folder, json, smallLayers } from './support';

const folder = new Folder();
const float = folder.model('float.safetensors');
const int8 = folder.at('int8.safetensors');
const rows = folder.rows('rows.npy', 50);
/** So little time that nothing is learnt but that everything runs. */
const TINY = ['--seconds', '0.001', '--batch', '1,3', '--threads', '1'];

interface Report {
  readonly float32: string | null;
  readonly int8: string | null;
  readonly rows: string;
  readonly onnxruntime: { readonly version: string | null; readonly note: string | null } | null;
  readonly cells: readonly Cell[];
  readonly words: readonly string[];
}

async function bench(argv: readonly string[], cwd = folder.path): Promise<Report> {
  const ran = await cli(['bench', ...argv, ...TINY, '--json'], { cwd });
  expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: '' });
  return json(ran) as unknown as Report;
}

const names = (report: Report) => report.cells.map(({ contenders }) => Object.keys(contenders));

beforeAll(async () => {
  expect((await cli(['quantize', float, '--calibrate', rows, '-o', int8])).code).toBe(0);
});

describe('bench', () => {
  it('a float model, beside what quantize makes of it', async () => {
    const report = await bench([float]);
    expect(report).toMatchObject({
      float32: float,
      int8: `${float}, quantized here, calibrated on the rows`,
      rows: expect.stringContaining('random'),
      machine: { kernel: { active: expect.any(String), reason: expect.any(String) } },
    });
    expect(report.cells.map(({ threads, batch }) => [threads, batch])).toEqual([
      [1, 1],
      [1, 3],
    ]);
    expect(names(report)).toEqual([
      ['int8', 'float32'],
      ['int8', 'float32'],
    ]);
    for (const { contenders, ratios, turns, batch } of report.cells) {
      expect(turns).toBeGreaterThanOrEqual(3);
      expect(ratios.float32!.median).toBeGreaterThan(0);
      const { p50, p99, rowsPerSecond } = contenders.int8!;
      expect(p99).toBeGreaterThanOrEqual(p50);
      expect(rowsPerSecond).toBeCloseTo(batch / (p50 / 1e6), 0);
    }
    expect(report.words).toHaveLength(1);
  });

  it('a quantized model alone', async () => {
    const report = await bench([int8]);
    expect(report).toMatchObject({ float32: null, int8, onnxruntime: null, words: [] });
    expect(names(report)).toEqual([['int8'], ['int8']]);
  });

  it.each([
    [float, int8],
    [int8, float],
  ])('one of each, in either order', async (...paths) => {
    const report = await bench(paths);
    expect(report).toMatchObject({ float32: float, int8 });
    expect(names(report)[0]).toEqual(['int8', 'float32']);
  });

  it('--data, fewer rows than a batch takes; a checkpoint with --activation', async () => {
    const two = folder.rows('two.npy', 2);
    const checkpoint = folder.checkpoint('checkpoint.safetensors');
    const argv = [checkpoint, '--activation', 'relu', '--data', two, '--scale-input', '0.5'];
    expect((await bench(argv)).rows).toBe(`2 rows of ${two}`);
  });

  it('for people: the kernel and why, the rows, how to get the peer, the verdict', async () => {
    const env = { REQUANT_KERNEL: 'scalar' };
    const { code, stdout, stderr } = await cli(['bench', float, ...TINY], { cwd: folder.path, env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/kernel +\S+ \(forced by REQUANT_KERNEL\)/);
    expect(stdout).toMatch(/rows +seeded random rows .* not for accuracy/);
    expect(stdout).toMatch(/peer +onnxruntime-node is not installed here .*npm install onnxruntime-node/);
    expect(stdout).toMatch(/threads +batch +int8 µs/);
    expect(stdout).toMatch(/\nBeside float32 on 1 thread, int8 .*× at batch /);
  });

  it('progress where stderr is a terminal', async () => {
    const { stderr } = await cli(['bench', float, ...TINY], { cwd: folder.path, stderrIsTTY: true });
    expect(stderr).toMatch(/cell 1\/2, batch 1, threads 1 .* \d+\/\d+ turns/);
    expect(stderr.slice(stderr.indexOf('cell 1'))).not.toContain('rows/s');
  });
});

describe('bench: onnxruntime-node in the folder of the user', () => {
  const dist = path.join(__dirname, '../../dist/index.js');

  /** A folder with a package that stands for onnxruntime-node: it runs the float file by this package. */
  function withPeer(name: string, change: string): string {
    const cwd = path.join(folder.path, name);
    const module = path.join(cwd, 'node_modules/onnxruntime-node');
    mkdirSync(module, { recursive: true });
    writeFileSync(path.join(module, 'package.json'), '{"version": "9.8.7", "main": "main.cjs"}');
    writeFileSync(
      path.join(module, 'main.cjs'),
      `const { MLP } = require(${JSON.stringify(dist)});
      exports.Tensor = class { constructor(type, data) { this.data = data; } };
      exports.InferenceSession = { async create() {
        const model = await MLP.load(${JSON.stringify(float)});
        return {
          inputNames: ['input'], outputNames: ['output'],
          async run({ input: x }, { output: y }) { model.runSync(x.data, y.data); ${change} },
          async release() { model.dispose(); },
        };
      } };`,
    );
    return cwd;
  }

  it('takes part', async () => {
    const report = await bench([float], withPeer('right', ''));
    expect(report.onnxruntime).toEqual({ version: '9.8.7', note: null });
    expect(names(report)[0]).toEqual(['int8', 'float32', 'onnxruntime']);
    expect(report.cells[0]!.ratios.onnxruntime!.median).toBeGreaterThan(0);
  });

  it('is not timed where it computes something else', async () => {
    const report = await bench([float], withPeer('wrong', 'y.data[0] += 1;'));
    expect(report.onnxruntime!.note).toMatch(/^left out: .*within 0.001 of the output's range/);
    expect(names(report)[0]).toEqual(['int8', 'float32']);
  });

  it('does not end the run where it does not load', async () => {
    const cwd = withPeer('broken', '');
    writeFileSync(path.join(cwd, 'node_modules/onnxruntime-node/main.cjs'), 'throw new Error("no library");');
    expect((await bench([float], cwd)).onnxruntime).toMatchObject({
      version: null,
      note: expect.stringMatching(/does not load: Error: no library/),
    });
  });
});

describe('bench: failures', () => {
  const nan = new Float32Array(2 * FEATURES).fill(1);
  nan[FEATURES] = Number.NaN;

  it.each([
    { code: 2, error: 'ERR_USAGE', argv: [], message: /missing required argument/ },
    { code: 2, error: 'ERR_USAGE', argv: [float, int8, float], message: /but received 3/ },
    { code: 2, error: 'ERR_USAGE', argv: [float, float], message: /two of kind float/ },
    { code: 2, error: 'ERR_USAGE', argv: [float, '--batch', '1,0'], message: /integer ≥ 1/ },
    { code: 2, error: 'ERR_USAGE', argv: [float, '--batch', '9999999'], message: /≤ 1048576/ },
    { code: 2, error: 'ERR_USAGE', argv: [float, '--threads', '1000'], message: /the size of the pool/ },
    { code: 2, error: 'ERR_USAGE', argv: [float, '--seconds', '0'], message: /above 0/ },
    { code: 2, error: 'ERR_USAGE', argv: [float, '--scale-input', '2'], message: /--data/ },
    { code: 1, error: 'ERR_IO', argv: [folder.at('none.safetensors')], message: /none.safetensors/ },
    {
      code: 1,
      error: 'ERR_SHAPE',
      argv: [int8, folder.model('wide.safetensors', smallLayers(9))],
      message: /6 → 3.* '6 → 9'/,
    },
    {
      code: 1,
      error: 'ERR_NAN_INPUT',
      argv: [float, '--data', folder.write('nan.npy', encodeNpy(nan, [2, FEATURES]))],
      message: /row 1, column 0/,
    },
  ])('$error $message', async ({ code, error, argv, message }) => {
    const ran = await cli(['bench', ...argv], { cwd: folder.path });
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code, stdout: '' });
    expect(ran.stderr).toMatch(errorLine(error));
    expect(ran.stderr).toMatch(message);
  });

  it('Ctrl-C: exit 130', async () => {
    const interrupt = new AbortController();
    const running = cli(['bench', float, '--seconds', '600'], {
      cwd: folder.path,
      signal: interrupt.signal,
    });
    setTimeout(() => interrupt.abort(), 100);
    const { code, stderr } = await running;
    expect(code).toBe(130);
    expect(stderr).toMatch(errorLine('ERR_ABORTED'));
  });
});
