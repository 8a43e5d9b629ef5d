// First inputs of each target: small valid files that the library itself writes, and broken ones made by hand.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);
const {
  calibrate,
  concat,
  gelu,
  layerNorm,
  linear,
  logSoftmax,
  MLP,
  quantize,
  relu,
  residual,
  sigmoid,
  softmax,
} = require('./build/requant/dist/index.js');
const onnx = require('./build/requant/dist/formats/onnx/index.js');
const { encodeNpy } = require('./build/requant/dist/formats/npy.js');
const { writeSafetensors } = require('./build/requant/dist/formats/safetensors.js');

const JSON_TEXTS = [
  '{}',
  '[]',
  'null',
  ' {"a":[1,-0.5,2e3,true,false,null,"x\\n\\u00e9"]} ',
  '{"a":1,"a":2}',
  '{"__proto__":{"x":1},"constructor":[]}',
  '"\\ud83d\\ude00"',
  '"\\ud800"',
  '[1e999]',
  '[-0]',
  `${'['.repeat(64)}${']'.repeat(64)}`,
  '['.repeat(70),
  '{"a":{"b":{"c":[{}]}}}',
  '\ufeff{}',
  '[1,]',
  '{"a"}',
  '01',
];

const DICTS = [
  "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }",
  "{'descr': '|u1', 'fortran_order': True, 'shape': (), }",
  '{"descr": "<i8", "fortran_order": False, "shape": (9007199254740993,)}',
  "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}",
  "{'shape': (3), }",
  "{'a': 'b', 'a': 'c'}",
  "{'a\\'': 1}",
  '{',
];

/** float32 numbers with 0 among them, the same every time. */
function numbers(length, size = 1) {
  return Float32Array.from({ length }, (_, i) => Math.fround(size * Math.sin(1 + 7 * i)));
}

function layer(name, inFeatures, outFeatures) {
  return linear({
    name,
    inFeatures,
    outFeatures,
    weight: numbers(inFeatures * outFeatures, 0.7),
    bias: numbers(outFeatures, 0.3),
  });
}

async function modelFiles() {
  const chain = new MLP([layer('a', 3, 4), relu(), layer('b', 4, 2), softmax()]);
  const branched = new MLP([
    layer('a', 2, 3),
    sigmoid(),
    residual([layerNorm({ features: 3, weight: numbers(3), bias: numbers(3) }), layer('b', 3, 3), gelu()]),
    layerNorm({ features: 3 }),
    concat([[], [layer('c', 3, 1)]]),
    logSoftmax(),
  ]);
  const chainRanges = await calibrate(chain, numbers(3 * 40, 2), { method: 'minmax' });
  const branchedRanges = await calibrate(branched, numbers(2 * 40, 2), { method: 'minmax' });
  return {
    chain: chain.toBytes(),
    branched: branched.toBytes(),
    static: quantize(chain, chainRanges).toBytes(),
    codes: quantize(chain, chainRanges, { rounding: 'gemmlowp', output: 'uint8' }).toBytes(),
    symmetric: quantize(branched, branchedRanges, {
      activations: 'symmetric',
      rounding: 'float32',
    }).toBytes(),
    tables: quantize(branched, branchedRanges, { rounding: 'half-even', inputs: 'per-feature' }).toBytes(),
    mixed: quantize(branched, branchedRanges, {
      layers: { b: { mode: 'dynamic' }, c: { mode: 'weight-only' } },
    }).toBytes(),
    int4: quantize(chain, chainRanges, {
      format: 'int4',
      mode: 'dynamic',
      layers: { b: { mode: 'weight-only' } },
    }).toBytes(),
  };
}

/** Pairs of weight and bias, as a training program writes them. */
function checkpoint() {
  const floats = (length, shape) => ({ dtype: 'float32', shape, data: numbers(length) });
  return writeSafetensors(
    new Map([
      ['0.weight', floats(6, [2, 3])],
      ['0.bias', floats(2, [2])],
      ['2.weight', floats(2, [1, 2])],
    ]),
    {},
  );
}

function half(dtype) {
  const header = `{"h":{"dtype":"${dtype}","shape":[2],"data_offsets":[0,4]}}`;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, Buffer.from(header), Buffer.from([0, 60, 1, 128])]);
}

/** Small graphs of every family of operators; 3 features in. */
function onnxFiles() {
  const floats = (name, dims) => onnx.tensor(name, 'float32', dims, numbers(dims.reduce((a, b) => a * b, 1)));
  const ints = (name, ...list) => onnx.tensor(name, 'int64', [list.length], BigInt64Array.from(list, BigInt));
  const { node } = onnx;
  const file = (opset, nodes, initializers, shape = ['n', 3]) =>
    onnx.encodeModel(
      onnx.graph({
        name: 'g',
        inputs: [onnx.value('x', 'float32', shape)],
        outputs: [onnx.value('y', 'float32', ['n', 2])],
        initializers,
        nodes,
      }),
      { opset },
    );
  const gemm = (x, y) => node('Gemm', [x, 'w', 'b'], [y], { transB: { int: 1 }, alpha: { float: 0.5 } });
  const weights = [floats('w', [3, 3]), floats('b', [3])];
  const chain = (opTypes, attributes = {}) =>
    opTypes.map((op, i) => node(op, [`h${i}`], [i === opTypes.length - 1 ? 'y' : `h${i + 1}`], attributes));
  return [
    file(9, [gemm('x', 'h0'), ...chain(['Relu', 'Sigmoid', 'Tanh', 'Elu', 'Neg', 'Softmax'])], weights),
    file(
      20,
      [gemm('x', 'h0'), ...chain(['Gelu', 'HardSwish', 'LeakyRelu', 'HardSigmoid', 'Identity'])],
      weights,
    ),
    file(
      13,
      [
        node('MatMul', ['x', 'w'], ['a']),
        node('Add', ['a', 'b'], ['c']),
        node('BatchNormalization', ['c', 'b', 'b', 'b', 'v'], ['d']),
        node('Sigmoid', ['d'], ['e']),
        node('Mul', ['d', 'e'], ['f']),
        node('Concat', ['f', 'x'], ['g'], { axis: { int: 1 } }),
        node('Clip', ['g', 'low', 'high'], ['y']),
      ],
      [...weights, floats('v', [3]), floats('low', []), floats('high', [1])],
    ),
    file(
      17,
      [
        node('Shape', ['x'], ['s']),
        node('Gather', ['s', 'zero'], ['r'], { axis: { int: 0 } }),
        node('Concat', ['r', 'rest'], ['t'], { axis: { int: 0 } }),
        node('Reshape', ['x', 't'], ['u']),
        node('Transpose', ['w'], ['z'], { perm: { ints: [1, 0] } }),
        node('MatMul', ['u', 'z'], ['h']),
        node('LayerNormalization', ['h', 'b'], ['k'], { epsilon: { float: 0.01 } }),
        node('Add', ['k', 'u'], ['y']),
      ],
      [...weights, ints('zero', 0), ints('rest', -1)],
      ['n', 1, 3],
    ),
    file(
      18,
      [
        node('ReduceMean', ['x', 'axes'], ['m']),
        node('Sub', ['x', 'm'], ['d']),
        node('Pow', ['d', 'two'], ['q']),
        node('ReduceMean', ['q', 'axes'], ['v']),
        node('Add', ['v', 'two'], ['e']),
        node('Sqrt', ['e'], ['r']),
        node('Div', ['d', 'r'], ['n']),
        node('Erf', ['n'], ['k']),
        node('Slice', ['b', 'start', 'axes2', 'start'], ['c']),
        gemm('n', 'y'),
      ],
      [
        ...weights,
        ints('axes', -1),
        onnx.tensor('two', 'float32', [], Float32Array.of(2)),
        ints('start', 0),
        ints('axes2', 2),
      ],
    ),
  ].map((bytes) => Buffer.from(bytes));
}

/** The three parts that targets/model.cjs puts together. */
function parts(file) {
  const start = 8 + Number(file.readBigUInt64LE(0));
  const { __metadata__: metadata, ...tensors } = JSON.parse(file.toString('utf8', 8, start));
  const members = JSON.stringify(tensors).slice(1, -1);
  const separator = Buffer.from([0xff]);
  return Buffer.concat([
    Buffer.from(metadata.requant),
    separator,
    Buffer.from(members),
    separator,
    file.subarray(start),
  ]);
}

/** The file, cut short, and with a byte too many. */
function broken(file) {
  return [file.subarray(0, file.length / 2), file.subarray(0, -1), Buffer.concat([file, Buffer.alloc(1)])];
}

async function seeds() {
  const models = Object.values(await modelFiles()).map((bytes) => Buffer.from(bytes));
  const npy = [
    encodeNpy(numbers(12), [3, 4]),
    encodeNpy(Uint8Array.of(1, 2, 3), [3]),
    encodeNpy(Int32Array.of(1, 2), [2, 1]),
  ].map((bytes) => Buffer.from(bytes));
  const tensors = [Buffer.from(checkpoint()), half('F16'), half('BF16')];
  return {
    json: [...JSON_TEXTS, ...models.map((file) => parts(file).toString('latin1').split('\xff')[0])],
    dict: DICTS,
    npy: [...npy, ...npy.flatMap(broken)],
    safetensors: [...tensors, ...tensors.flatMap(broken), models[0]],
    file: [...models, ...tensors, ...models.slice(0, 2).flatMap(broken)],
    model: models.map(parts),
    onnx: [...onnxFiles(), ...onnxFiles().slice(0, 2).flatMap(broken)],
  };
}

/** Writes them to `folder`/<target>/, beside what earlier runs have found there. */
export async function writeSeeds(folder) {
  for (const [target, inputs] of Object.entries(await seeds())) {
    mkdirSync(path.join(folder, target), { recursive: true });
    inputs.forEach((bytes, i) => {
      writeFileSync(path.join(folder, target, `seed-${i}`), bytes);
    });
  }
}
