import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { adaRound, correctBias, equalize, gptq, mixedPrecision, smoothQuant } from '../../lib/compression';
import { calibrate, load, MLP, quantize } from '../../lib/index';
import { cli, FEATURES, Folder, fragileLayers, json, ownLabels, randomRows, smallLayers } from './support';

const folder = new Folder();
const float = folder.model('float.safetensors');
const rows = folder.rows('rows.npy', 200);
const test = folder.rows('test.npy', 100, FEATURES, 2);
const labels = ownLabels(smallLayers(), randomRows(100, FEATURES, 2));
const right = folder.labels('right.npy', labels);

let outputs = 0;
const out = (): string => folder.at(`out${outputs++}.safetensors`);

describe('methods', () => {
  it('are those of the library, in their order', async () => {
    const target = out();
    const argv = ['quantize', float, '--calibrate', rows, '-o', target, '--method', 'minmax', '--bits', '3'];
    const ran = await cli([...argv, '--correct-bias', '--smooth-quant', '0.25', '--equalize']);
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: '' });
    const by = (model: MLP) => calibrate(model, randomRows(200), { method: 'minmax' });
    let model = await equalize(await MLP.load(float));
    model = await smoothQuant(model, await by(model), { alpha: 0.25 });
    const calibration = await by(model);
    const options = {
      bits: 3,
      mode: 'static',
      rounding: 'half-up',
      weights: 'per-channel',
      output: 'float32',
    } as const;
    model = await correctBias(model, calibration, { quantize: options });
    using int8 = quantize(model, calibration, options);
    expect(readFileSync(target)).toEqual(Buffer.from(int8.toBytes()));
    expect(ran.stdout).toContain('static, 3 bits, rounding');
    expect(ran.stdout).toMatch(/methods +equalize, smoothQuant, correctBias/);
    expect((await cli(['inspect', target])).stdout).toMatch(/int8 \(3 bits\) static/);
  });

  it('--activation-bits is what quantize takes', async () => {
    const target = out();
    const argv = ['quantize', float, '--calibrate', rows, '-o', target, '--method', 'minmax'];
    const ran = await cli([...argv, '--bits', '4', '--activation-bits', '4']);
    expect(ran.stdout).toContain('static, 4 bits, 4 bits of activations, rounding');
    const model = await MLP.load(float);
    const calibration = await calibrate(model, randomRows(200), { method: 'minmax' });
    const options = { mode: 'static', bits: 4, activationBits: 4 } as const;
    using int8 = quantize(model, calibration, { ...options, rounding: 'half-up', weights: 'per-channel' });
    using written = await load(target);
    expect(written.runSync(randomRows(5))).toEqual(int8.runSync(randomRows(5)));
    const dynamic = await cli([
      'quantize',
      float,
      '-o',
      out(),
      '--mode',
      'dynamic',
      '--activation-bits',
      '4',
    ]);
    expect(dynamic.stderr).toContain('expected --format int8 and --mode static beside --activation-bits');
  });

  it('--prune takes out units first', async () => {
    const argv = ['quantize', float, '--calibrate', rows, '-o', out(), '--json', '--prune', '0.5'];
    expect(json(await cli(argv))).toMatchObject({
      methods: [{ step: 'prune', unit: 'block', saliency: 'obs', sparsity: 0.5, rows: 200 }],
    });
    const neurons = ['--prune-unit', 'neuron', '--prune-saliency', 'magnitude', '--equalize'];
    expect(json(await cli([...argv, ...neurons]))).toMatchObject({
      methods: [{ step: 'prune', unit: 'neuron', saliency: 'magnitude' }, { step: 'equalize' }],
    });
  });

  it.each([
    ['--prune beside --prune-unit', ['--calibrate', rows, '--prune-unit', 'neuron']],
    ['--calibrate beside --prune', ['--mode', 'dynamic', '--prune', '0.5']],
    ['below 1', ['--calibrate', rows, '--prune', '1']],
  ])('%s', async (message, argv) => {
    const ran = await cli(['quantize', float, '-o', out(), ...argv]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(message);
  });

  it('--smooth-quant without a number is 0.5', async () => {
    const ran = await cli(['quantize', float, '--calibrate', rows, '-o', out(), '--smooth-quant', '--json']);
    expect(json(ran)).toMatchObject({ methods: [{ step: 'smoothQuant', alpha: 0.5 }] });
  });

  it.each([
    ['--gptq', gptq, ['--bits', '3'], { bits: 3 }],
    [
      '--ada-round',
      adaRound,
      ['--mode', 'dynamic', '--format', 'int4', '--group-size', '32'],
      {
        format: 'int4',
        groupSize: 32,
      },
    ],
  ] as const)('%s rounds to the grid that is asked for', async (flag, method, args, grid) => {
    const argv = ['quantize', float, '--calibrate', rows, '-o', out(), '--method', 'minmax', ...args, flag];
    const calibration = await calibrate(await MLP.load(float), randomRows(200), { method: 'minmax' });
    const rounded = await method(await MLP.load(float), calibration, grid);
    expect(json(await cli([...argv, '--json']))).toMatchObject({ methods: rounded.graph.record });
  });

  it('--mixed-precision keeps what loses too much', async () => {
    const target = out();
    const argv = ['quantize', float, '--calibrate', rows, '-o', target, '--bits', '2', '--method', 'minmax'];
    const gate = ['--test', test, '--labels', right, '--max-drop', '0'];
    expect((await cli([...argv, ...gate])).code).toBe(3);
    const ran = await cli([...argv, ...gate, '--mixed-precision', 'weight-only', '--json']);
    expect(ran.code).toBe(0);
    const model = await MLP.load(float);
    const calibration = await calibrate(model, randomRows(200), { method: 'minmax' });
    const mixed = await mixedPrecision(model, calibration, {
      maxDrop: 0,
      fallback: 'weight-only',
      data: { inputs: randomRows(100, FEATURES, 2), labels: Int32Array.from(labels) },
      quantize: { bits: 2 },
    });
    expect(json(ran)).toMatchObject({ methods: mixed.graph.record });
  });

  it.each([
    {
      args: ['--mode', 'dynamic', '--equalize', '--smooth-quant'],
      message: '--calibrate beside --smooth-quant',
    },
    { args: ['--mode', 'dynamic', '--correct-bias'], message: '--calibrate beside --correct-bias' },
    { args: ['--calibrate', rows, '--gptq', '--ada-round'], message: 'one of --gptq and --ada-round' },
    { args: ['--mode', 'dynamic', '--gptq'], message: '--calibrate beside --gptq' },
    { args: ['--calibrate', rows, '--mixed-precision'], message: '--max-drop beside --mixed-precision' },
    { args: ['--calibrate', rows, '--smooth-quant', '2'], message: '0 to 1' },
    { args: ['--calibrate', rows, '--bits', '5'], message: '2, 3, 4, 8' },
    {
      args: ['--mode', 'dynamic', '--format', 'int4', '--bits', '4'],
      message: '--format int8 beside --bits',
    },
    { args: ['--calibrate', rows, '--mixed-precision', 'int4'], message: 'Allowed choices are float32' },
    { args: ['--calibrate', rows, '--budget', '3'], message: '--search beside --budget' },
    { args: ['--calibrate', rows, '--search'], message: 'expected --test beside --search' },
    { args: ['--mode', 'dynamic', '--search'], message: 'expected --calibrate beside --search' },
    {
      args: ['--calibrate', rows, '--test', test, '--search', '--group-size', '32'],
      message: 'no --group-size',
    },
    {
      args: ['--calibrate', rows, '--test', test, '--search', '--correct-bias'],
      message: 'no --correct-bias',
    },
  ])('exit 2: $message', async ({ args, message }) => {
    const { code, stderr } = await cli(['quantize', float, '-o', out(), ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('--search', () => {
  const argv = (target: string) => [
    'quantize',
    float,
    '--calibrate',
    rows,
    '--test',
    test,
    '-o',
    target,
    '--search',
  ];

  it('writes the best, and prints the table it saw', async () => {
    const target = out();
    const ran = await cli([...argv(target), '--labels', right, '--max-drop', '3', '--rounding', 'half-even']);
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/candidate +accuracy +drop +agreement +SQNR +size +made in/);
    const [, name] = /^\* +(.*?) {2,}/m.exec(ran.stdout)!;
    const inspected = json(await cli(['inspect', target, '--json']));
    const record = inspected['record'] as unknown as { step: string; chosen?: string }[];
    expect(record.find(({ step }) => step === 'search')!.chosen).toBe(name);
    expect(record.at(-1)).toMatchObject({ step: 'quantize', rounding: 'half-even' });
    using model = await load(target);
    expect(model.runSync(randomRows(3))).toHaveLength(9);
  });

  it('--json holds the table, --mode restricts it', async () => {
    const ran = await cli([...argv(out()), '--mode', 'dynamic', '--max-drop', '100', '--json']);
    const { search, settings, evaluation } = json(ran) as unknown as {
      search: { chosen: string; untried: number; results: { name: string; drop: number; sqnrDb: number }[] };
      settings: { mode: string };
      evaluation: { dropPoints: number; sqnrDb: number };
    };
    expect(search.untried).toBe(0);
    expect(search.results.every(({ name }) => name.includes('dynamic'))).toBe(true);
    expect(settings.mode).toBe('dynamic');
    const best = search.results.find(({ name }) => name === search.chosen)!;
    expect(best.drop).toBeCloseTo(evaluation.dropPoints, 9);
    expect(best.sqnrDb).toBeCloseTo(evaluation.sqnrDb, 9);
  });

  it('draws the candidate and how many are done', async () => {
    const { stderr } = await cli(argv(out()), { stderrIsTTY: true });
    expect(stderr).toMatch(/int8 static mse .*0\/\d+ candidates/);
  });

  it('writes nothing where no candidate keeps to --max-drop', async () => {
    const fragile = folder.model('fragile.safetensors', fragileLayers());
    const own = ownLabels(fragileLayers(), randomRows(100, FEATURES, 2));
    const target = out();
    const [, , ...rest] = argv(target);
    const gate = ['--labels', folder.labels('fragile.npy', own), '--max-drop', '0', '--budget', '0.000001'];
    const ran = await cli(['quantize', fragile, ...rest, ...gate]);
    expect(ran.code).toBe(3);
    expect(ran.stdout).toMatch(/no time for \d+ candidates more/);
    expect(folder.names).not.toContain(target);
  });
});
