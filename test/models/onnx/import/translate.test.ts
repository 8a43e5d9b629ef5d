import { describe, expect, it } from 'vitest';
import { decodeModel, encodeModel, graph, node, tensor, value } from '../../../../lib/formats/onnx';
import { importGraph } from '../../../../lib/models/onnx/import';
import { expectRejection } from '../../../support/errors';
import { dense, imported, ops } from './support';

type Parts = Partial<Parameters<typeof graph>[0]>;

async function of(parts: Parts, opset = 17, domains: Record<string, number> = {}) {
  const bytes = encodeModel(
    graph({
      name: 'g',
      inputs: [value('x', 'float32', ['batch', 3])],
      outputs: [value('y', 'float32', ['batch', 3])],
      initializers: [],
      nodes: [node('Relu', ['x'], ['y'])],
      ...parts,
    }),
    { opset, domains },
  );
  return importGraph(await decodeModel(bytes));
}

describe('unsupported operators', () => {
  it('are all named in one error, with their nodes and reasons', async () => {
    const build = of(
      {
        nodes: [
          node('PRelu', ['x', 'w'], ['a']),
          node('Relu', ['a'], ['b']),
          node('Softmax', ['b'], ['c'], { axis: { int: 0 } }),
          node('FastGelu', ['c'], ['d'], {}, 'com.microsoft'),
          node('Conv', ['d', 'w'], ['e']),
          node('Gelu', ['x'], ['y'], { approximate: { string: 'other' } }),
        ],
        initializers: [tensor('w', 'float32', [3], new Float32Array(3))],
      },
      20,
      { 'com.microsoft': 1 },
    );
    await expectRejection(
      build,
      'ERR_UNSUPPORTED',
      /received PRelu 'a', com\.microsoft\.FastGelu 'd', Conv 'e', Gelu 'y' \(.*approximate.*\); supported: Add, .*Gemm.*Unsqueeze, com\.microsoft\.DynamicQuantizeMatMul.*$/,
    );
  });

  it('that the output does not need count as well; those of later versions do not', async () => {
    await expectRejection(
      of({ nodes: [node('Relu', ['x'], ['y']), node('ArgMax', ['x'], ['z'])] }),
      'ERR_UNSUPPORTED',
      /ArgMax 'z'/,
    );
  });

  it('second outputs that something reads', async () => {
    const nodes = [node('Dropout', ['x'], ['a', 'mask']), node('Relu', ['mask'], ['y'])];
    await expectRejection(of({ nodes }), 'ERR_UNSUPPORTED', /depends on the input.*'y'/);
  });

  it('a long list is cut', async () => {
    const nodes = Array.from({ length: 300 }, (_, i) => node('Conv', ['x'], [i === 0 ? 'y' : `y${i}`]));
    await expectRejection(of({ nodes }), 'ERR_UNSUPPORTED', /Conv 'y99' and 200 more/);
  });
});

describe('ports', () => {
  it.each([
    [
      'two inputs',
      { inputs: [value('x', 'float32', ['n', 3]), value('z', 'float32', ['n', 3])] },
      /one input but received 2: 'x', 'z'/,
    ],
    [
      'two outputs',
      { outputs: ['y', 'x'].map((name) => value(name, 'float32', ['n', 3])) },
      /one output but received 2/,
    ],
    ['no output', { outputs: [] }, /one output but received none/],
    ['an input of integers', { inputs: [value('x', 'int64', ['n', 3])] }, /floating-point numbers.*int64/],
    ['features that are open', { inputs: [value('x', 'float32', ['n', 'features'])] }, /\[n, features\]/],
    ['no features', { inputs: [value('x', 'float32', ['n'])] }, /sizes that are known/],
    [
      'an output that is a constant',
      {
        outputs: [value('w', 'float32', [1])],
        initializers: [tensor('w', 'float32', [1], new Float32Array(1))],
      },
      /depends on the input/,
    ],
    ['an output that is the input', { outputs: [value('x', 'float32', ['n', 3])] }, /its input as output/],
  ] as const)('%s: ERR_UNSUPPORTED', async (_, parts, message) => {
    await expectRejection(of(parts as unknown as Parts), 'ERR_UNSUPPORTED', message);
  });

  it('sizes that are none, or beyond the limit', async () => {
    await expectRejection(of({ inputs: [value('x', 'float32', ['n', 0])] }), 'ERR_SHAPE');
    for (const sizes of [[2 ** 25], [2 ** 20, 2 ** 20], [2 ** 50]])
      await expectRejection(of({ inputs: [value('x', 'float32', ['n', ...sizes])] }), 'ERR_LIMIT');
  });

  it('of any floating-point type are float32', async () => {
    const parts = { inputs: [value('x', 'float64', ['n', 3])], outputs: [value('y', 'float64', ['n', 3])] };
    expect((await of(parts)).values.get('x')).toEqual({ features: 3, dtype: 'float32' });
  });
});

describe('opsets', () => {
  it.each([6, 25])('%i: ERR_VERSION', async (opset) => {
    await expectRejection(of({}, opset), 'ERR_VERSION', /opset 7 to 24/);
  });
});

describe('names', () => {
  it('are those of the file', async () => {
    const found = await of({
      nodes: [
        node('Gemm', ['x', 'net.0.weight', 'net.0.bias'], ['h']),
        node('Relu', ['h'], ['r']),
        node('Identity', ['r'], ['y']),
      ],
      initializers: [
        tensor('net.0.weight', 'float32', [3, 3], new Float32Array(9)),
        tensor('net.0.bias', 'float32', [3], new Float32Array(3)),
      ],
    });
    expect(found.nodes.map(({ name }) => name)).toEqual(['net.0', 'r']);
    expect([...found.values.keys()]).toEqual(['x', 'h', 'y']);
    expect([found.input, found.output]).toEqual(['x', 'y']);
  });

  it('of two nodes with the same weights differ', async () => {
    const w = tensor('w.weight', 'float32', [3, 3], new Float32Array(9));
    const found = await of({
      nodes: [node('MatMul', ['x', 'w.weight'], ['h']), node('MatMul', ['h', 'w.weight'], ['y'])],
      initializers: [w],
    });
    expect(found.nodes.map(({ name }) => name)).toEqual(['w', 'w#2']);
  });

  it('many nodes are fine, more than a model may have ERR_LIMIT', async () => {
    const chain = (n: number) =>
      imported((b) => {
        let x = dense(b);
        for (let i = 0; i < n; i++) x = b.node('Relu', [x]);
        return x;
      });
    expect(ops(await chain(5000))).toHaveLength(5001);
    await expectRejection(chain(10_000), 'ERR_LIMIT', /nodes/);
  });
});
