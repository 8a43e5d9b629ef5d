import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeNpy } from '../../lib/formats/npy';
import { calibrate, linear, MLP, QuantizedMLP, quantize, relu, residual } from '../../lib/index';
import {
  cli,
  errorLine,
  FEATURES,
  Folder,
  fragileLayers,
  json,
  ownLabels,
  randomRows,
  smallLayers,
} from './support';

const folder = new Folder();
const float = folder.model('float.safetensors');
const rows = folder.rows('rows.npy', 200);
const test = folder.rows('test.npy', 100, FEATURES, 2);
const right = folder.labels('right.npy', ownLabels(smallLayers(), randomRows(100, FEATURES, 2)));
/** A model whose rows differ by less than per-tensor int8 can hold: quantized, it changes its mind. */
const fragile = folder.model('fragile.safetensors', fragileLayers());
const fragileLabels = folder.labels('fragile.npy', ownLabels(fragileLayers(), randomRows(100, FEATURES, 2)));

let outputs = 0;
const out = (): string => folder.at(`out${outputs++}.safetensors`);

describe('quantize', () => {
  it('writes the same model as the library', async () => {
    const target = out();
    const { code, stdout, stderr } = await cli(['quantize', float, '--calibrate', rows, '-o', target]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    using model = await MLP.load(float);
    const ranges = await calibrate(model, randomRows(200));
    using int8 = quantize(model, ranges);
    expect(readFileSync(target)).toEqual(Buffer.from(int8.toBytes()));
    expect(stdout).toContain('static, rounding half-up');
    expect(stdout).toMatch(new RegExp(`observer +${ranges.method}, 200 rows`));
    expect(stdout).toMatch(/size +[\d.]+ K?i?B → [\d.]+ K?i?B \([\d.]+× smaller\)/);
    expect(stdout).not.toContain('tested on');
  });

  it('--json: one object, and passes every option on', async () => {
    const target = out();
    const options = ['--method', 'percentile', '--percentile', '99', '--rounding', 'half-even', '--weights'];
    options.push('per-tensor', '--activations', 'symmetric', '--inputs', 'per-feature', '--output', 'int8');
    options.push('--metadata', 'a=1', 'b=x=y', '--metadata', '__proto__=2');
    const ran = await cli(['quantize', float, '--calibrate', rows, '-o', target, ...options, '--json']);
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: '' });
    expect(json(ran)).toMatchObject({
      command: 'quantize',
      written: true,
      settings: {
        mode: 'static',
        rounding: 'half-even',
        weights: 'per-tensor',
        activations: 'symmetric',
        inputs: 'per-feature',
        output: 'int8',
      },
      calibration: { method: 'percentile', rows: 200 },
      size: { floatBytes: statSync(float).size, quantizedBytes: statSync(target).size },
      evaluation: null,
    });
    using int8 = await QuantizedMLP.load(target);
    expect(int8.rounding).toBe('half-even');
    expect(int8.output.dtype).toBe('int8');
    expect(int8.input.scale).toHaveLength(FEATURES);
    expect(Object.entries(int8.metadata).sort()).toEqual([
      ['__proto__', '2'],
      ['a', '1'],
      ['b', 'x=y'],
    ]);
  });

  it.each(['dynamic', 'weight-only'])('--mode %s needs no calibration', async (mode) => {
    const target = out();
    const ran = await cli(['quantize', float, '--mode', mode, '-o', target, '--json']);
    expect(ran.code).toBe(0);
    expect(json(ran)).toMatchObject({ calibration: null, settings: { mode } });
    expect(statSync(target).size).toBeGreaterThan(0);
  });

  it('--format int4: as the library does, and inspect shows it', async () => {
    const target = out();
    const argv = ['quantize', float, '--mode', 'dynamic', '--format', 'int4', '-o', target];
    const ran = await cli([...argv, '--group-size', '128']);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('dynamic, int4 in groups of 128, rounding half-up');
    using model = await MLP.load(float);
    using int4 = quantize(model, null, { mode: 'dynamic', format: 'int4', groupSize: 128 });
    expect(readFileSync(target)).toEqual(Buffer.from(int4.toBytes()));
    expect((await cli(['inspect', target])).stdout).toMatch(/0 +linear +int4\/128 dynamic +8×6/);
    expect((await cli(['eval', target, '--test', test, '--against', float])).code).toBe(0);

    expect((await cli(argv)).stdout).toContain('int4 in groups of 64');
    const refused = async (...options: string[]) => {
      const { code, stderr } = await cli(['quantize', float, '-o', out(), '--calibrate', rows, ...options]);
      return { code, stderr };
    };
    expect(await refused('--format', 'int4')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--mode dynamic or weight-only'),
    });
    expect(await refused('--mode', 'dynamic', '--group-size', '64')).toMatchObject({ code: 2 });
    expect(await refused('--mode', 'dynamic', '--format', 'int4', '--group-size', '48')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('32, 64, 128'),
    });
  });

  it('reads a checkpoint with --activation', async () => {
    const checkpoint = folder.checkpoint('checkpoint.safetensors');
    const argv = ['quantize', checkpoint, '--calibrate', rows, '-o', out()];
    expect((await cli([...argv, '--activation', 'relu'])).code).toBe(0);
    const { code, stderr } = await cli(argv);
    expect(code).toBe(1);
    expect(stderr).toMatch(errorLine('ERR_ARGUMENT'));
    expect(stderr).toContain('activation');
  });

  it('--scale-input scales uint8 pixels', async () => {
    const pixels = Uint8Array.from({ length: 50 * FEATURES }, (_, i) => (i * 37) % 256);
    const path = folder.write('pixels.npy', encodeNpy(pixels, [50, FEATURES]));
    const argv = ['quantize', float, '--calibrate', path, '-o', out(), '--method', 'minmax', '--json'];
    const ran = await cli([...argv, '--scale-input', '0.00392156862745098']);
    expect(json(ran)).toMatchObject({ calibration: { ranges: { input: { min: 0, max: 1 } } } });
  });
});

describe('quantize --test', () => {
  const argv = ['quantize', float, '--calibrate', rows, '--test', test];

  it('with labels: accuracy of both and the drop', async () => {
    const ran = await cli([...argv, '--labels', right, '-o', out(), '--max-drop', '100', '--json']);
    expect(ran.code).toBe(0);
    const { evaluation } = json(ran) as unknown as {
      evaluation: Record<'float' | 'quantized', { accuracy: { correct: number; percent: number } }> & {
        dropPoints: number;
        rows: number;
      };
    };
    expect(evaluation.rows).toBe(100);
    expect(evaluation.float.accuracy).toEqual({ correct: 100, percent: 100 });
    expect(evaluation.dropPoints).toBe(100 - evaluation.quantized.accuracy.percent);
    const { stdout } = await cli([...argv, '--labels', right, '-o', out()]);
    expect(stdout).toMatch(/accuracy +float 100\.00 % \(100 right\) → int8 [\d.]+ % \(\d+ right\)/);
    expect(stdout).toMatch(/drop +[\d.]+ percentage points/);
  });

  it('without labels: agreement', async () => {
    const { code, stdout } = await cli([...argv, '-o', out()]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/agreement +[\d.]+ % of rows/);
    expect(stdout).not.toContain('accuracy');
  });

  it.each([{ labels: ['--labels', fragileLabels] }, { labels: [] }])(
    'a missed gate: exit 3 and no file ($labels.length)',
    async ({ labels }) => {
      const before = folder.names;
      const gate = ['quantize', fragile, '--calibrate', rows, '--test', test, ...labels];
      const ran = await cli([...gate, '--weights', 'per-tensor', '-o', out(), '--max-drop', '1', '--json']);
      expect(ran.code).toBe(3);
      expect(ran.stderr).toMatch(errorLine('ERR_GATE'));
      expect(json(ran)).toMatchObject({ written: false, error: { code: 'ERR_GATE' } });
      expect(folder.names).toEqual(before);
    },
  );

  it('one output: difference instead of agreement, and no gate without labels', async () => {
    const single = folder.model('single.safetensors', smallLayers(1));
    const one = ['quantize', single, '--calibrate', rows, '--test', test];
    const ran = await cli([...one, '-o', out(), '--json']);
    expect(ran.code).toBe(0);
    expect(json(ran)).toMatchObject({
      evaluation: { agreementPercent: null, dropPoints: null, sqnrDb: expect.any(Number) },
    });
    const gated = await cli([...one, '-o', out(), '--max-drop', '1']);
    expect(gated.code).toBe(2);
    expect(gated.stderr).toMatch(errorLine('ERR_USAGE'));
    const binary = folder.labels('binary.npy', new Array(100).fill(1));
    expect((await cli([...one, '--labels', binary, '-o', out(), '--max-drop', '100'])).code).toBe(0);
  });
});

describe('quantize: wrong usage and failures write nothing', () => {
  const wide = folder.rows('wide.npy', 5, FEATURES + 1);
  const none = folder.rows('none.npy', 0);
  const short = folder.labels('short.npy', [0, 1]);
  const beyond = folder.labels('beyond.npy', [3, ...new Array(99).fill(0)]);
  const nan = folder.write('nan.npy', encodeNpy(nanRows(), [300_000, FEATURES]));
  const target = folder.at('never.safetensors');

  function nanRows(): Float32Array {
    const values = new Float32Array(300_000 * FEATURES);
    values[250_000 * FEATURES + 2] = Number.NaN; // not in the first batch
    return values;
  }

  it.each([
    { args: [], message: 'expected --calibrate' },
    { args: ['--calibrate', rows, '--percentile', '99'], message: 'expected --method percentile' },
    { args: ['--mode', 'dynamic', '--method', 'mse'], message: 'expected --calibrate beside --method' },
    { args: ['--calibrate', rows, '--labels', right], message: 'expected --test beside --labels' },
    { args: ['--calibrate', rows, '--max-drop', '1'], message: 'expected --test beside --max-drop' },
    { args: ['--calibrate', rows, '--test', test, '--max-drop', '-1'], message: 'percentage points' },
    { args: ['--calibrate', rows, '--metadata', 'x'], message: 'Expected key=value' },
    { args: ['--calibrate', rows, '--metadata', 'requant=x'], message: "file's own" },
    { args: ['--calibrate', rows, '--method', 'best'], message: 'Allowed choices are auto, minmax' },
    { args: ['--calibrate', target], message: 'other than the input' },
  ])('exit 2: $message', async ({ args, message }) => {
    const { code, stdout, stderr } = await cli(['quantize', float, '-o', target, ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(errorLine('ERR_USAGE'));
    expect(stderr).toContain(message);
    expect(folder.names).not.toContain('never.safetensors');
  });

  it.each([
    { error: 'ERR_SHAPE', args: ['--calibrate', wide], message: /6 features .* received 7/ },
    { error: 'ERR_SHAPE', args: ['--calibrate', none], message: /at least one row/ },
    { error: 'ERR_NAN_INPUT', args: ['--calibrate', nan], message: /row 250000, column 2/ },
    { error: 'ERR_SHAPE', args: ['--calibrate', rows, '--test', wide], message: /6 features .* received 7/ },
    {
      error: 'ERR_SHAPE',
      args: ['--calibrate', rows, '--test', test, '--labels', short],
      message: /100 labels .* received 2/,
    },
    {
      error: 'ERR_ARGUMENT',
      args: ['--calibrate', rows, '--test', test, '--labels', beyond],
      message: /0…2 .* received '3 at row 0'/,
    },
    { error: 'ERR_IO', args: ['--calibrate', folder.at('missing.npy')], message: /missing\.npy/ },
    { error: 'ERR_FORMAT', args: ['--calibrate', float], message: /NUMPY/ },
    {
      error: 'ERR_ARGUMENT',
      args: ['--calibrate', rows, '--method', 'percentile', '--percentile', '10'],
      message: /percentile/,
    },
  ])('exit 1: $error $message', async ({ error, args, message }) => {
    const ran = await cli(['quantize', float, '-o', target, ...args, '--json']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(errorLine(error));
    expect(ran.stderr).toMatch(message);
    expect(json(ran)).toEqual({ error: { code: error, message: expect.stringMatching(message) } });
    expect(folder.names).not.toContain('never.safetensors');
  });

  it('refuses a quantized model', async () => {
    const int8 = out();
    await cli(['quantize', float, '--mode', 'dynamic', '-o', int8]);
    const { code, stderr } = await cli(['quantize', int8, '--mode', 'dynamic', '-o', target]);
    expect(code).toBe(1);
    expect(stderr).toMatch(errorLine('ERR_MODEL_KIND'));
  });

  it('a folder that is not there', async () => {
    const lost = folder.at('lost/out.safetensors');
    const { code, stderr } = await cli(['quantize', float, '--mode', 'dynamic', '-o', lost]);
    expect(code).toBe(1);
    expect(stderr).toMatch(errorLine('ERR_IO'));
  });

  it('Ctrl-C: exit 130', async () => {
    const before = folder.names;
    const argv = ['quantize', float, '--calibrate', rows, '-o', target, '--json'];
    const ran = await cli(argv, { signal: AbortSignal.abort() });
    expect(ran.code).toBe(130);
    expect(ran.stderr).toMatch(errorLine('ERR_ABORTED'));
    expect(json(ran)).toEqual({ error: { code: 'ERR_ABORTED', message: 'interrupted' } });
    expect(folder.names).toEqual(before);
  });
});

describe('progress', () => {
  const many = folder.rows('many.npy', 10_000);
  const argv = ['quantize', float, '--calibrate', many, '-o', folder.at('progress.safetensors')];

  it('is drawn on a terminal and wiped', async () => {
    const { stderr, stdout } = await cli(argv, { stderrIsTTY: true });
    expect(stderr).toContain('calibrate \x1b[32m[####');
    expect(stderr).toMatch(/10,000\/10,000 rows {2}[\d,]+ rows\/s/);
    expect(stderr).toMatch(/\r {30,}\r$/);
    expect(stdout).not.toContain('\r');
  });

  it('has no colour with NO_COLOR', async () => {
    const { stderr } = await cli(argv, { stderrIsTTY: true, env: { NO_COLOR: '1' } });
    expect(stderr).toContain('calibrate [####');
    expect(stderr).not.toContain('\x1b');
  });

  it('is silent with --json and without a terminal', async () => {
    expect((await cli([...argv, '--json'], { stderrIsTTY: true })).stderr).toBe('');
    expect((await cli(argv)).stderr).toBe('');
  });
});

it('residual models print their nodes', async () => {
  const layers = [residual([linear({ inFeatures: FEATURES, outFeatures: FEATURES }), relu()])];
  const model = folder.model('residual.safetensors', layers);
  const { code, stdout } = await cli(['quantize', model, '--calibrate', rows, '-o', out()]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/ add /);
});
