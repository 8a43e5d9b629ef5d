import { beforeAll, describe, expect, it } from 'vitest';
import {
  calibrate,
  concat,
  linear,
  load,
  MLP,
  quantize,
  relu,
  residual,
  sigmoid,
  tanh,
} from '../../lib/index';
import { MAX_JSON_LENGTH, MAX_NODES, MAX_TOTAL_FEATURES, MAX_VALUES } from '../../lib/models/limits';
import { tensor } from '../../lib/tensor';
import { expectRejection } from '../support/errors';
import { get, type ModelFile, putTogether, set, takeApart, withJson } from '../support/files';
import { randomLayerNorm, randomLinear } from '../support/models';
import { Seeded } from '../support/random';

/** The model's JSON and tensors: every wrong thing has its code. */

const random = new Seeded(131);
const float = new MLP([
  { ...randomLinear(random, 4, 6, 'a'), quantization: { scale: new Float32Array(6).fill(0.01) } },
  tanh(),
  residual([randomLinear(random, 6, 6, 'b')]),
  concat([[], [relu()]]),
  randomLinear(random, 12, 3, 'c'),
]);
const rows = random.normals(4 * 40);
const files = new Map<string, Uint8Array>([['float', float.toBytes()]]);

beforeAll(async () => {
  const ranges = await calibrate(float, rows, { method: 'minmax' });
  files.set('static', quantize(float, ranges, { output: 'int8' }).toBytes());
  files.set('dynamic', quantize(float, null, { mode: 'dynamic' }).toBytes());
});

type Edit = readonly [path: string, value: unknown];

function edited(
  kind: string,
  edits: readonly Edit[],
  more: (file: ModelFile) => void = () => {},
): Uint8Array {
  const file = takeApart(files.get(kind)!);
  for (const [path, value] of edits) set(file.document, path, value);
  more(file);
  return putTogether(file);
}

/** Index of the node of this name. */
const node = (kind: string, name: string): string => {
  const nodes = get(takeApart(files.get(kind)!).document, 'nodes') as { name: string }[];
  return `nodes/${nodes.findIndex((n) => n.name === name)}`;
};

it('the files of this page are good', async () => {
  for (const [kind, bytes] of files) {
    expect(putTogether(takeApart(bytes)), kind).toEqual(bytes);
    using model = await load(bytes);
    expect(model.toBytes()).toEqual(bytes);
  }
});

it('a float model keeps the grids chosen for its layers', async () => {
  using model = await MLP.load(files.get('float')!);
  expect(model.layers[0]!.quantization).toEqual({ scale: new Float32Array(6).fill(0.01) });
});

describe('version', () => {
  it.each([2, 3, 2 ** 53 - 1])('%d is ERR_VERSION, whatever else the file holds', async (version) => {
    await expectRejection(load(edited('float', [['version', version]])), 'ERR_VERSION', /version 1 or lower/);
    await expectRejection(
      load(
        edited('float', [
          ['version', version],
          ['news', 1],
          ['nodes', {}],
        ]),
      ),
      'ERR_VERSION',
    );
  });

  it.each([0, -1, 1.5, '1', null, undefined, 2 ** 60])('%o is ERR_FORMAT', async (version) => {
    await expectRejection(load(edited('float', [['version', version]])), 'ERR_FORMAT', /version/);
  });
});

const FLOAT_EDITS: readonly (readonly [string, readonly Edit[]])[] = [
  ['an unknown key', [['extra', 1]]],
  ['no producer', [['producer', undefined]]],
  ['another kind', [['kind', 'binary']]],
  ['another rounding', [['rounding', 'up']]],
  ['nodes that are no list', [['nodes', {}]]],
  ['values that are no object', [['values', []]]],
  ['a record without a step', [['record', [{}]]]],
  ['a record of numbers', [['record', [5]]]],
  ['a hash that is no text', [['sha256', 5]]],
  ['an input that is no value', [['input', 'x']]],
  ['an output that is no value', [['output', 'x']]],
  ['an output of a prototype’s name', [['output', 'toString']]],
  ['a value that is never written', [['values/ghost', { features: 1, dtype: 'float32' }]]],
  ['no features', [['values/a/features', 0]]],
  ['too many features', [['values/a/features', 2 ** 24 + 1]]],
  ['another dtype', [['values/a/dtype', 'float64']]],
  ['a zero point in float32', [['values/a/zeroPoint', 0]]],
  ['a clamp in float32', [['values/a/min', 0]]],
  ['an unknown key in a value', [['values/a/offset', 0]]],
  ['another number of features', [['values/1/features', 5]]],
  ['an unknown operator', [['nodes/1/op', 'conv']]],
  ['an operator of a prototype’s name', [['nodes/1/op', 'constructor']]],
  ['a linear node without weights', [['nodes/0/weight', undefined]]],
  ['a linear node with a table', [['nodes/0/table', 'a.bias']]],
  ['a linear node without inputs', [['nodes/0/inputs', []]]],
  ['a linear node with two inputs', [['nodes/0/inputs', ['input', 'input']]]],
  ['an unknown key in a node', [['nodes/0/stride', 1]]],
  ['an unknown mode', [['nodes/0/mode', 'fast']]],
  ['bits of float weights', [['nodes/0/weight/bits', 4]]],
  ['a wish of tanh', [['nodes/1/quantization', {}]]],
  ['a wish that is text', [['nodes/0/quantization', 'int8']]],
  ['a wish with scales of its own', [['nodes/0/quantization', { scale: 'a.weight_scale' }]]],
  ['a wish for an unknown mode', [['nodes/0/quantization', { mode: 'fast' }]]],
  ['a wish for int4 groups with a scale a feature', [['nodes/0/quantization', { format: 'int4' }]]],
  ['int8 arithmetic on float weights', [['nodes/0/mode', 'dynamic']]],
  ['a rounding where nothing is rounded', [['nodes/0/rounding', 'half-up']]],
  ['a bias for tanh', [['nodes/1/bias', 'a.bias']]],
  ['a gamma', [['nodes/1/gamma', 'a.bias']]],
  ['an attribute for tanh', [['nodes/1/attributes', { slope: 1 }]]],
  ['attributes that are a list', [['nodes/1/attributes', []]]],
  ['attributes for an add', [['nodes/3/attributes', {}]]],
  ['a table between floats', [['nodes/1/table', 'a.bias']]],
  ['a name that is no text', [['nodes/1/name', 1]]],
  ['a name that is used twice', [['nodes/1/name', 'a']]],
  ['a node that reads what is written later', [['nodes/1/inputs', ['b']]]],
  ['a node that reads itself', [['nodes/1/inputs', ['1']]]],
  ['a node that reads nothing known', [['nodes/1/inputs', ['nothing']]]],
  ['a value written twice', [['nodes/1/output', 'a']]],
  ['a node that writes the input', [['nodes/1/output', 'input']]],
  ['an add of three', [['nodes/3/inputs', ['1', 'b', 'b']]]],
  ['an add of one', [['nodes/3/inputs', ['1']]]],
  ['a concat of none', [['nodes/5/inputs', []]]],
  ['a quantize node between floats', [['nodes/1/op', 'quantize']]],
  ['a dequantize node between floats', [['nodes/1/op', 'dequantize']]],
  ['a tensor that is missing', [['nodes/0/bias', 'nothing']]],
  ['a tensor of a prototype’s name', [['nodes/0/bias', 'toString']]],
  ['a tensor that is not used', [['nodes/0/bias', undefined]]],
  ['a bias of another shape', [['nodes/0/bias', 'a.weight']]],
  ['a weight of another shape', [['nodes/0/weight/tensor', 'b.weight']]],
  ['an unknown key in a weight', [['nodes/0/weight/codec', 'x']]],
  ['an unknown format', [['nodes/0/weight/format', 'float64']]],
  ['int8 that is float32', [['nodes/0/weight/format', 'int8']]],
  ['a zero point for float weights', [['nodes/0/weight/zeroPoint', 'a.bias']]],
];

describe('a float model: ERR_FORMAT for', () => {
  it.each(FLOAT_EDITS)('%s', async (_, edits) => {
    await expectRejection(load(edited('float', edits)), 'ERR_FORMAT');
  });

  it('a number of features that fits no layer', async () => {
    await expectRejection(load(edited('float', [['values/input/features', 5]])), 'ERR_FORMAT', /shape/);
  });

  it('nodes out of order', async () => {
    const reversed = (get(takeApart(files.get('float')!).document, 'nodes') as object[]).reverse();
    await expectRejection(load(edited('float', [['nodes', reversed]])), 'ERR_FORMAT', /written before/);
  });

  it('tensors of another dtype, or beside the model', async () => {
    const asInt32 = edited('float', [], ({ tensors }) => tensors.set('a.bias', tensor(new Int32Array(6))));
    await expectRejection(load(asInt32), 'ERR_FORMAT', /to be float32 but received 'int32'/);
    const stray = edited('float', [], ({ tensors }) => tensors.set('stray', tensor(new Int32Array(1))));
    await expectRejection(load(stray), 'ERR_FORMAT', /every tensor to be used/);
  });

  it('a grid outside of [2^−100, 2^126], or not a number', async () => {
    for (const bad of [0, -1, 2 ** -101, 2 ** 127, Infinity, Number.NaN]) {
      const bytes = edited('float', [], ({ tensors }) =>
        tensors.set('a.weight_scale', tensor(new Float32Array(6).fill(bad))),
      );
      await expectRejection(load(bytes), 'ERR_FORMAT', /scales in \[2\^-100, 2\^126\]/);
    }
  });

  it('codes, and integer arithmetic', async () => {
    await expectRejection(load(edited('static', [['kind', 'float']])), 'ERR_FORMAT', /float/);
    await expectRejection(load(edited('dynamic', [['kind', 'float']])), 'ERR_FORMAT', /float/);
  });

  it('JSON that is none, that repeats itself or nests too deeply', async () => {
    for (const json of [
      '',
      '{',
      'null',
      '[]',
      '{"version":1,"version":1}',
      `{"version":1,"kind":${'['.repeat(100)}`,
    ]) {
      await expectRejection(load(withJson(json)), 'ERR_FORMAT');
    }
  });
});

describe('a static model: ERR_FORMAT for', () => {
  const STATIC_EDITS: readonly (readonly [string, (at: (name: string) => string) => readonly Edit[]])[] = [
    ['codes without a scale', () => [['values/input/scale', undefined]]],
    ['codes without a zero point', () => [['values/input/zeroPoint', undefined]]],
    ['a zero point beyond uint8', () => [['values/input/zeroPoint', 256]]],
    ['half a zero point', () => [['values/input/zeroPoint', 1.5]]],
    ['a bound beyond uint8', () => [['values/input/max', 256]]],
    [
      'bounds out of order',
      () => [
        ['values/input/min', 9],
        ['values/input/max', 8],
      ],
    ],
    ['fp8 parameters for int8', () => [['values/input/fp8', { mantissa: 3, exponent: 4 }]]],
    [
      'a dtype that the codes are not',
      () => [
        ['values/1/dtype', 'int8'],
        ['values/1/zeroPoint', 0],
      ],
    ],
    ['static arithmetic on floats', () => [['values/input', { features: 4, dtype: 'float32' }]]],
    ['dynamic arithmetic on codes', (at) => [[`${at('a')}/mode`, 'dynamic']]],
    ['float arithmetic on int8 weights', (at) => [[`${at('a')}/mode`, 'float']]],
    ['a missing table', (at) => [[`${at('1')}/table`, undefined]]],
    ['a missing weight scale', (at) => [[`${at('a')}/weight/scale`, undefined]]],
    ['uint8 that is int8', (at) => [[`${at('a')}/weight/format`, 'uint8']]],
    ['a rounding of a node that is none', (at) => [[`${at('a')}/rounding`, 'down']]],
  ];

  it.each(STATIC_EDITS)('%s', async (_, edits) => {
    await expectRejection(
      load(
        edited(
          'static',
          edits((name) => node('static', name)),
        ),
      ),
      'ERR_FORMAT',
    );
  });

  it('a table of another size or type', async () => {
    for (const table of [
      tensor(new Uint8Array(255)),
      tensor(new Int8Array(256)),
      tensor(new Float32Array(256)),
      tensor(new Uint8Array(256), [16, 16]),
    ]) {
      await expectRejection(
        load(edited('static', [], ({ tensors }) => tensors.set('1.table', table))),
        'ERR_FORMAT',
        /table/,
      );
    }
  });

  it('a scale a feature anywhere but at the input', async () => {
    const bytes = edited('static', [], ({ tensors }) =>
      tensors.set('1.value_scale', tensor(new Float32Array(6).fill(1))),
    );
    await expectRejection(load(bytes), 'ERR_FORMAT', /shape/);
  });

  it('zero points of weights beyond int8', async () => {
    const bytes = edited('static', [[`${node('static', 'a')}/weight/zeroPoint`, 'z']], ({ tensors }) =>
      tensors.set('z', tensor(Int32Array.of(128))),
    );
    await expectRejection(load(bytes), 'ERR_FORMAT', /\[-128, 127\]/);
  });

  it('a model of no nodes whose output would have a scale a feature', async () => {
    const document = {
      version: 1,
      producer: 'test',
      kind: 'quantized',
      input: 'x',
      output: 'x',
      values: { x: { features: 2, dtype: 'uint8', scale: 's', zeroPoint: 0 } },
      nodes: [],
    };
    const one = withJson(JSON.stringify(document), new Map([['s', tensor(Float32Array.of(0.5))]]));
    expect([...(await load(one)).runSync(Float32Array.of(1, 2.2))]).toEqual([1, 2]);
    const two = withJson(JSON.stringify(document), new Map([['s', tensor(Float32Array.of(0.5, 100))]]));
    await expectRejection(load(two), 'ERR_FORMAT', /one scale/);
  });
});

it('a scale of weights, or a bias, that leads to a multiplier of 64 or more is refused', async () => {
  const bytes = edited('static', [], ({ tensors }) =>
    tensors.set('a.weight_scale', tensor(new Float32Array(6).fill(2 ** 100))),
  );
  await expectRejection(load(bytes), 'ERR_OVERFLOW', /multipliers below 64/);
});

it('accumulators that might overflow are ERR_OVERFLOW', async () => {
  const bytes = edited('static', [], ({ tensors }) =>
    tensors.set('a.bias', tensor(new Int32Array(6).fill(2 ** 31 - 1))),
  );
  await expectRejection(load(bytes), 'ERR_OVERFLOW', /fit int32/);
});

describe('layer norm', () => {
  const norm = new MLP([{ ...randomLayerNorm(random, 3), name: 'n' }]).toBytes();
  const changed = (edits: readonly Edit[], more: (file: ModelFile) => void = () => {}) => {
    const file = takeApart(norm);
    for (const [path, value] of edits) set(file.document, path, value);
    more(file);
    return putTogether(file);
  };

  it('takes the default epsilon where none is stated, and 0', async () => {
    using model = await MLP.load(changed([['nodes/0/attributes', undefined]]));
    expect(model.layers[0]).toMatchObject({ epsilon: 1e-5 });
    using zero = await MLP.load(changed([['nodes/0/attributes', { epsilon: 0 }]]));
    expect(zero.layers[0]).toMatchObject({ epsilon: 0 });
  });

  it.each<readonly [string, readonly Edit[]]>([
    ...[-1e-5, 1e39, 1e308, '1e-5', null, [], {}].map(
      (epsilon) => [`epsilon ${JSON.stringify(epsilon)}`, [['nodes/0/attributes/epsilon', epsilon]]] as const,
    ),
    ['an unknown attribute', [['nodes/0/attributes/axis', -1]]],
    ['attributes that are no object', [['nodes/0/attributes', [1e-5]]]],
    ['no tensor', [['nodes/0/gamma', 'x']]],
    ['a gamma that is no name', [['nodes/0/gamma', { tensor: 'n.weight' }]]],
    ['an unused tensor', [['nodes/0/beta', undefined]]],
    ['a weight', [['nodes/0/weight', { tensor: 'n.weight', format: 'float32' }]]],
    ['a bias', [['nodes/0/bias', 'n.bias']]],
    ['a mode', [['nodes/0/mode', 'float']]],
    ['a rounding', [['nodes/0/rounding', 'half-up']]],
    ['a table', [['nodes/0/table', 'n.weight']]],
    ['two inputs', [['nodes/0/inputs', ['input', 'input']]]],
    ['no input', [['nodes/0/inputs', []]]],
    ['an input of another width', [['values/input/features', 4]]],
    ['an output of another width', [['values/n/features', 4]]],
    ['a gamma for another operator', [['nodes/0/op', 'relu']]],
  ])('%s: ERR_FORMAT', async (_, edits) => {
    await expectRejection(load(changed(edits)), 'ERR_FORMAT');
  });

  it('parameters of another length, type or shape, or not finite: ERR_FORMAT', async () => {
    for (const name of ['n.weight', 'n.bias']) {
      for (const wrong of [
        tensor(new Float32Array(2)),
        tensor(new Float32Array(4)),
        tensor(new Float32Array(3), [1, 3]),
        tensor(new Int32Array(3)),
        tensor(Float32Array.of(1, Number.NaN, 1)),
        tensor(Float32Array.of(1, 1, Number.NEGATIVE_INFINITY)),
      ])
        await expectRejection(load(changed([], ({ tensors }) => tensors.set(name, wrong))), 'ERR_FORMAT');
    }
  });
});

describe('weights with zero points, as other tools write them', () => {
  it('are computed with', async () => {
    const bytes = edited('dynamic', [[`${node('dynamic', 'a')}/weight/zeroPoint`, 'z']], ({ tensors }) =>
      tensors.set('z', tensor(Int32Array.of(3))),
    );
    using model = await load(bytes);
    expect(model.toBytes().length).toBeGreaterThan(0);
    expect(model.runSync(rows)).toHaveLength(3 * 40);
  });
});

describe('for later versions: ERR_UNSUPPORTED', () => {
  it.each<readonly [string, readonly Edit[]]>([
    ['fp8 values', [['values/a/dtype', 'fp8']]],
    ...['e4m3fn', 'e5m2', 'fp8'].map(
      (format) => [`${format} weights`, [['nodes/0/weight/format', format]]] as const,
    ),
    ['formats that a layer wishes for', [['nodes/0/quantization', { format: 'e4m3fn' }]]],
    ['bits that a layer wishes for', [['nodes/0/quantization', { bits: 5 }]]],
    ['fp8 parameters', [['nodes/0/weight/fp8', {}]]],
    ['sparse weights', [['nodes/0/weight/sparse', { block: '4x1', index: 'x' }]]],
  ])('%s', async (_, edits) => {
    await expectRejection(load(edited('float', edits)), 'ERR_UNSUPPORTED');
  });

  it('weight-only arithmetic with zero points', async () => {
    const weightOnly = quantize(float, null, { mode: 'weight-only' }).toBytes();
    const file = takeApart(weightOnly);
    set(file.document, 'nodes/0/weight/zeroPoint', 'z');
    file.tensors.set('z', tensor(Int32Array.of(1)));
    await expectRejection(load(putTogether(file)), 'ERR_UNSUPPORTED', /zero point/);
  });
});

describe('limits: ERR_LIMIT', () => {
  const chain = (length: number) => ({
    version: 1,
    producer: 'test',
    kind: 'float',
    input: 'x',
    output: `v${length - 1}`,
    values: Object.fromEntries([
      ['x', { features: 1, dtype: 'float32' }],
      ...Array.from({ length }, (_, i) => [`v${i}`, { features: 1, dtype: 'float32' }]),
    ]),
    nodes: Array.from({ length }, (_, i) => ({
      name: `${i}`,
      op: 'relu',
      inputs: [i === 0 ? 'x' : `v${i - 1}`],
      output: `v${i}`,
    })),
  });

  it(`of ${MAX_NODES} nodes`, async () => {
    expect(MAX_NODES).toBe(10_000);
    await expectRejection(
      load(withJson(JSON.stringify({ ...chain(2), nodes: new Array(MAX_NODES + 1).fill(0) }))),
      'ERR_LIMIT',
      /nodes/,
    );
    using model = await load(withJson(JSON.stringify(chain(5000))));
    expect([...model.runSync(Float32Array.of(-1, 2))]).toEqual([0, 2]);
  });

  it(`of ${MAX_VALUES} values`, async () => {
    const values = Object.fromEntries(Array.from({ length: MAX_VALUES + 1 }, (_, i) => [`v${i}`, 0]));
    await expectRejection(load(withJson(JSON.stringify({ ...chain(1), values }))), 'ERR_LIMIT', /values/);
  });

  it(`of ${MAX_TOTAL_FEATURES} features together`, async () => {
    // v0 = x, x; v1 = v0, v0; …: a kibibyte that asks for gigabytes.
    const doubling = chain(24);
    const values = Object.fromEntries(
      Object.keys(doubling.values).map((name, i) => [name, { features: 2 ** i, dtype: 'float32' }]),
    );
    const nodes = doubling.nodes.map((node) => ({
      ...node,
      op: 'concat',
      inputs: [...node.inputs, ...node.inputs],
    }));
    using model = await load(withJson(JSON.stringify({ ...doubling, values, nodes })));
    expect(model.outFeatures).toBe(2 ** 24);
    const wide = { features: 2 ** 24, dtype: 'float32' };
    const more = {
      values: { ...values, w0: wide, w1: wide, w2: wide },
      nodes: [
        ...nodes,
        ...[0, 1, 2].map((i) => ({ name: `w${i}`, op: 'relu', inputs: ['v23'], output: `w${i}` })),
      ],
    };
    await expectRejection(load(withJson(JSON.stringify({ ...doubling, ...more }))), 'ERR_LIMIT', /features/);
  });

  it('of 1 MiB of JSON', async () => {
    await expectRejection(load(withJson(' '.repeat(MAX_JSON_LENGTH + 1))), 'ERR_LIMIT', /1048576/);
  });
});

it('names of prototypes are names', async () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];
  const layers = names.map((name) => linear({ name, inFeatures: 2, outFeatures: 2 }));
  using model = new MLP([...layers, sigmoid()]);
  using again = await MLP.load(model.toBytes());
  expect(again.toBytes()).toEqual(model.toBytes());
  expect(again.valueNames).toEqual(['input', ...names, '5']);
  const x = Float32Array.of(1, -1, 0.5, 2);
  const ranges = await calibrate(again, x, { method: 'minmax' });
  using quantized = quantize(again, ranges, {
    layers: { ['__proto__']: { mode: 'dynamic' }, constructor: { format: 'float32' as const } },
  });
  expect(quantized.stages.find(({ name }) => name === '__proto__')!.format).toBe('int8');
  expect(quantized.stages.find(({ name }) => name === 'constructor')!.format).toBe('float32');
  using reloaded = await load(quantized.toBytes());
  expect(reloaded.runSync(x)).toEqual(quantized.runSync(x));
});
