import type { Attribute } from '../../lib/formats/onnx';
import type { OnnxBuilder } from '../support/onnx-builder';
import type { Seeded } from '../support/random';

/** A float16 of about this size: 1 sign, 5 exponent, 10 fraction bits. */
function halfBits(random: Seeded): number {
  return (random.integer(0, 1) << 15) | (random.integer(8, 13) << 10) | random.integer(0, 1023);
}

type WriteLinear = (b: OnnxBuilder, random: Seeded, x: string, shape: readonly [number, number]) => string;

const matMul: WriteLinear = (b, random, x, [n, k]) =>
  b.node('MatMul', [x, b.floats(random.normals(n * k, Math.sqrt(2 / k)), [k, n])]);

/** Every way that exporters write y = x·Wᵀ + b. */
export const LINEARS: Readonly<Record<string, WriteLinear>> = {
  matMul,
  gemm: (b, random, x, [n, k]) => {
    const w = b.floats(random.normals(n * k, Math.sqrt(2 / k)), [n, k]);
    return b.node('Gemm', [x, w, b.floats(random.normals(n, 0.3))], { transB: { int: 1 } });
  },
  gemmUntransposed: (b, random, x, [n, k]) => {
    const w = b.floats(random.normals(n * k, Math.sqrt(2 / k)), [k, n]);
    const c = random.pick([[n], [1, n], [1], [1, 1]]);
    const bias = b.floats(random.normals(c.reduce((a, s) => a * s, 1)), c);
    return b.node('Gemm', [x, w, bias], { alpha: { float: 0.75 }, beta: { float: -1.5 } });
  },
  gemmWithoutBias: (b, random, x, [n, k]) => {
    const w = b.floats(random.normals(n * k, Math.sqrt(2 / k)), [n, k]);
    // C became optional in opset 11.
    const c = b.opset < 11 ? [b.floats(new Float32Array(n))] : [];
    return b.node('Gemm', [x, w, ...c], { transB: { int: 1 }, alpha: { float: 0.5 } });
  },
  matMulAdd: (b, random, x, [n, k]) => {
    const product = matMul(b, random, x, [n, k]);
    const bias = b.floats(random.normals(n, 0.3), random.pick([[n], [1, n]]));
    return b.node(
      'Add',
      random.pick([
        [product, bias],
        [bias, product],
      ]),
    );
  },
  matMulOfTransposed: (b, random, x, [n, k]) => {
    const w = b.floats(random.normals(n * k, Math.sqrt(2 / k)), [n, k]);
    return b.node('MatMul', [x, b.node('Transpose', [w], { perm: { ints: [1, 0] } })]);
  },
  float16: (b, random, x, [n, k]) => {
    const w = b.halves(
      Uint16Array.from({ length: n * k }, () => halfBits(random)),
      [n, k],
    );
    return b.node('Gemm', [x, w, b.floats(random.normals(n, 0.3))], {
      transB: { int: 1 },
      alpha: { float: 4 / Math.sqrt(k) },
    });
  },
};

interface Activation {
  /** Opset that has the operator; 7 by default. */
  readonly since?: number;
  readonly write: (b: OnnxBuilder, x: string) => string;
}

const named =
  (opType: string, attributes: Readonly<Record<string, Attribute>> = {}) =>
  (b: OnnxBuilder, x: string) =>
    b.node(opType, [x], attributes);

const CUBIC = 0.044715;
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

function clip(b: OnnxBuilder, x: string, min: number | undefined, max: number | undefined): string {
  if (b.opset < 11)
    return b.node('Clip', [x], {
      ...(min !== undefined && { min: { float: min } }),
      ...(max !== undefined && { max: { float: max } }),
    });
  const bound = (value: number | undefined) => (value === undefined ? '' : b.scalar(value));
  return b.node('Clip', [x, bound(min), bound(max)]);
}

/** Activations as operators, and in the forms that exporters take apart. */
export const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  relu: { write: named('Relu') },
  relu6: { write: (b, x) => clip(b, x, 0, 6) },
  clip: { write: (b, x) => clip(b, x, -0.75, 1.5) },
  clipBelow: { write: (b, x) => clip(b, x, -0.5, undefined) },
  clipAbove: { write: (b, x) => clip(b, x, undefined, 0.5) },
  leakyRelu: { write: named('LeakyRelu', { alpha: { float: 0.1 } }) },
  leakyReluByDefault: { write: named('LeakyRelu') },
  elu: { write: named('Elu', { alpha: { float: 0.7 } }) },
  eluByDefault: { write: named('Elu') },
  hardSigmoid: { write: named('HardSigmoid', { alpha: { float: 0.25 }, beta: { float: 0.4 } }) },
  hardSigmoidByDefault: { write: named('HardSigmoid') },
  hardSwish: { since: 14, write: named('HardSwish') },
  sigmoid: { write: named('Sigmoid') },
  tanh: { write: named('Tanh') },
  gelu: { since: 20, write: named('Gelu') },
  geluTanh: { since: 20, write: named('Gelu', { approximate: { string: 'tanh' } }) },
  swish: { since: 24, write: named('Swish') },
  swishOf2: { since: 24, write: named('Swish', { alpha: { float: 2 } }) },
  silu: { write: (b, x) => b.node('Mul', [x, b.node('Sigmoid', [x])]) },
  quickGelu: {
    write: (b, x) => b.node('Mul', [b.node('Sigmoid', [b.node('Mul', [x, b.scalar(1.702)])]), x]),
  },
  hardSwishOfHardSigmoid: {
    write: (b, x) =>
      b.node('Mul', [x, b.node('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } })]),
  },
  hardSwishOfDefault: { write: (b, x) => b.node('Mul', [b.node('HardSigmoid', [x]), x]) },
  hardSwishOfClip: {
    write: (b, x) => {
      const gate = clip(b, b.node('Add', [x, b.scalar(3)]), 0, 6);
      return b.node('Div', [b.node('Mul', [x, gate]), b.scalar(6)]);
    },
  },
  geluOfErf: {
    write: (b, x) => {
      const erf = b.node('Erf', [b.node('Div', [x, b.scalar(Math.SQRT2)])]);
      const gate = b.node('Add', [erf, b.scalar(1)]);
      return b.node('Mul', [b.node('Mul', [x, gate]), b.scalar(0.5)]);
    },
    since: 9,
  },
  geluOfErfHalvedFirst: {
    write: (b, x) => {
      const erf = b.node('Erf', [b.node('Mul', [x, b.scalar(Math.SQRT1_2)])]);
      const gate = b.node('Add', [b.scalar(1), erf]);
      return b.node('Mul', [b.node('Mul', [b.scalar(0.5), x]), gate]);
    },
    since: 9,
  },
  geluOfTanh: {
    write: (b, x) => {
      const cube = b.node('Pow', [x, b.scalar(3)]);
      const inner = b.node('Add', [x, b.node('Mul', [cube, b.scalar(CUBIC)])]);
      const tanh = b.node('Tanh', [b.node('Mul', [inner, b.scalar(SQRT_2_OVER_PI)])]);
      const gate = b.node('Add', [tanh, b.scalar(1)]);
      return b.node('Mul', [b.node('Mul', [x, b.scalar(0.5)]), gate]);
    },
  },
  geluOfTanhByProducts: {
    write: (b, x) => {
      const square = b.node('Mul', [x, x]);
      const inner = b.node('Add', [b.node('Mul', [square, b.scalar(CUBIC)]), b.scalar(1)]);
      const outer = b.node('Mul', [b.node('Mul', [x, b.scalar(SQRT_2_OVER_PI)]), inner]);
      const gate = b.node('Add', [b.scalar(1), b.node('Tanh', [outer])]);
      return b.node('Mul', [b.scalar(0.5), b.node('Mul', [x, gate])]);
    },
  },
  negated: { write: named('Neg') },
  subtracted: { write: (b, x) => b.node('Sub', [b.scalar(0.5), x]) },
};

export const activationsOf = (opset: number) =>
  Object.keys(ACTIVATIONS).filter((name) => opset >= (ACTIVATIONS[name]!.since ?? 7));

/** A factor and a shift for each feature, by constants of some shape. */
export function scaleAndShift(b: OnnxBuilder, random: Seeded, x: string, n: number): string {
  const some = () => Float32Array.from({ length: n }, () => 0.5 + random.uniform());
  const operand = () =>
    random.pick([() => b.floats(some()), () => b.floats(some(), [1, n]), () => b.scalar(1.5)])();
  const kind = random.pick(['Mul', 'Div', 'Add', 'Sub']);
  return b.node(kind, [x, operand()]);
}

export function batchNormalization(b: OnnxBuilder, random: Seeded, x: string, n: number): string {
  const positive = () => b.floats(Float32Array.from({ length: n }, () => 0.5 + random.uniform()));
  const any = () => b.floats(random.normals(n, 0.3));
  return b.node('BatchNormalization', [x, positive(), any(), any(), positive()], {
    epsilon: { float: 1e-3 },
  });
}

/** As one operator, or taken apart: by Div or by the reciprocal, with Pow or Mul for the square. */
export function layerNormalization(b: OnnxBuilder, random: Seeded, x: string, n: number): string {
  const scale = b.floats(Float32Array.from({ length: n }, () => 0.5 + random.uniform()));
  const bias = b.floats(random.normals(n, 0.3));
  const epsilon = { epsilon: { float: 1e-3 } };
  if (b.opset >= 17 && random.uniform() < 0.5)
    return b.node('LayerNormalization', [x, scale, ...random.pick([[bias], []])], epsilon);
  const mean = (value: string) =>
    b.opset < 18
      ? b.node('ReduceMean', [value], { axes: { ints: [-1 + (b.opset < 11 ? 2 : 0)] } })
      : b.node('ReduceMean', [value, b.ints(-1)]);
  const centered = b.node('Sub', [x, mean(x)]);
  const square = random.pick([
    () => b.node('Pow', [centered, b.scalar(2)]),
    () => b.node('Mul', [centered, centered]),
  ])();
  const deviation = b.node('Sqrt', [b.node('Add', [mean(square), b.scalar(1e-3)])]);
  const normal = random.pick([
    () => b.node('Div', [centered, deviation]),
    () => b.node('Mul', [centered, b.node('Reciprocal', [deviation])]),
  ])();
  return b.node('Add', [b.node('Mul', [normal, scale]), bias]);
}

export function softmax(b: OnnxBuilder, random: Seeded, x: string): string {
  const axis = random.pick([{}, { axis: { int: 1 } }, ...(b.opset < 11 ? [] : [{ axis: { int: -1 } }])]);
  return b.node(random.pick(['Softmax', 'LogSoftmax']), [x], axis);
}

/** What exporters put between layers, which changes nothing. */
export function noise(b: OnnxBuilder, random: Seeded, x: string, n: number): string {
  const axes = (...list: number[]): [string[], Record<string, Attribute>] =>
    b.opset < 13 ? [[], { axes: { ints: list } }] : [[b.ints(...list)], {}];
  return random.pick([
    () => b.node('Identity', [x]),
    () => b.node('Flatten', [x], random.pick([{}, { axis: { int: 1 } }])),
    () => b.node('Dropout', [x], b.opset < 12 ? { ratio: { float: 0.3 } } : {}),
    () => b.node('Reshape', [x, b.ints(-1, n)]),
    () => b.node('Reshape', [x, b.ints(0, -1)]),
    () => b.node('Cast', [x], { to: { int: 1 } }),
    () => {
      const [inputs, attributes] = axes(1);
      const wide = b.node('Unsqueeze', [x, ...inputs], attributes);
      return b.node('Squeeze', [b.node('Relu', [wide]), ...inputs], attributes);
    },
    () => {
      // As x.view(x.size(0), -1) is exported.
      const rows = b.node('Gather', [b.node('Shape', [x]), b.constant('int64', [], BigInt64Array.of(0n))], {
        axis: { int: 0 },
      });
      const [inputs, attributes] = axes(0);
      const first = b.node('Unsqueeze', [rows, ...inputs], attributes);
      return b.node('Reshape', [x, b.node('Concat', [first, b.ints(-1)], { axis: { int: 0 } })]);
    },
  ])();
}
