import { describe, expect, it } from 'vitest';
import {
  clip,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  type Layer,
  leakyRelu,
  linear,
  MLP,
  relu,
  relu6,
  sigmoid,
  silu,
  tanh,
} from '../../lib/index';
import {
  clampBounds,
  ELEMENTWISE_OPS,
  type ElementwiseLayer,
  elementwise,
  elementwiseAttributes,
  isElementwiseOp,
  usefulInputRange,
} from '../../lib/layers/elementwise';
import { expectError } from '../support/errors';
import { FUNCTIONS } from '../support/functions';
import { expectClose } from '../support/models';
import { Seeded } from '../support/random';

const untyped = <T>(value: unknown) => value as T;

/** Layers with the attributes they should have. */
const LAYERS: readonly (readonly [string, () => Layer, object])[] = [
  ['relu', relu, {}],
  ['relu6', relu6, {}],
  ['clip', () => clip(-0.5, 2.25), { min: -0.5, max: 2.25 }],
  ['clip', () => clip(-Infinity, 1), { min: -Infinity, max: 1 }],
  ['clip', () => clip(3, 3), { min: 3, max: 3 }],
  ['leakyRelu', () => leakyRelu(), { slope: 0.01 }],
  ['leakyRelu', () => leakyRelu(-1.5), { slope: -1.5 }],
  ['elu', () => elu(), { alpha: 1 }],
  ['elu', () => elu(0.3), { alpha: 0.3 }],
  ['hardSigmoid', () => hardSigmoid(), { alpha: 0.2, beta: 0.5 }],
  ['hardSigmoid', () => hardSigmoid(1 / 6, 0.25), { alpha: 1 / 6, beta: 0.25 }],
  ['hardSwish', hardSwish, {}],
  ['sigmoid', sigmoid, {}],
  ['tanh', tanh, {}],
  ['gelu', () => gelu(), { approximate: 'none' }],
  ['gelu', () => gelu('tanh'), { approximate: 'tanh' }],
  ['silu', silu, {}],
];

describe.each(LAYERS)('%s %o', (type, make, attributes) => {
  it('is frozen data with its defaults', () => {
    const layer = make() as ElementwiseLayer;
    expect(layer).toEqual({ type, attributes });
    expect(Object.isFrozen(layer) && Object.isFrozen(layer.attributes)).toBe(true);
  });

  it('end to end in an MLP, within 1e−6 of float64', () => {
    const layer = make() as ElementwiseLayer;
    using model = new MLP([linear({ inFeatures: 1, outFeatures: 1, weight: Float32Array.of(1) }), layer]);
    const random = new Seeded(71);
    const dense = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) / 100);
    const special = [0, 2 ** -149, -(2 ** -126), 88, -88, 104, -104, 1e10, -1e10];
    const x = Float32Array.from([
      ...dense,
      ...random.normals(1000, 0.01),
      ...random.normals(1000, 3),
      ...special,
    ]);
    expectClose(
      model.runSync(x),
      Array.from(x, (v) => FUNCTIONS[layer.type](v, layer.attributes)),
      1e-6,
    );
  });

  it('has the limits of the function at ±Infinity, and lets NaN through', () => {
    const layer = make() as ElementwiseLayer;
    using model = new MLP([linear({ inFeatures: 1, outFeatures: 1, weight: Float32Array.of(1) }), layer]);
    const [high, nan] = model.runSync(Float32Array.of(Infinity, Number.NaN));
    expect(high).toBeCloseTo(FUNCTIONS[layer.type](Infinity, layer.attributes), 6);
    expect(nan).toBeNaN();
  });
});

describe('wrong attributes', () => {
  it.each([
    ['clip out of order', () => clip(2, 1)],
    ['clip to NaN', () => clip(Number.NaN, 1)],
    ['clip from +Infinity', () => clip(Infinity, Infinity)],
    ['clip of text', () => clip(untyped('0'), 1)],
    ['a slope that is infinite', () => leakyRelu(Infinity)],
    ['alpha of null', () => elu(untyped(null))],
    ['NaN as beta', () => hardSigmoid(0.2, Number.NaN)],
    ['another approximation', () => gelu(untyped('fast'))],
    ['unknown names', () => elementwise('relu', { slope: 1 })],
    ['unknown names of gelu', () => elementwise('gelu', { slope: 1 })],
    ['__proto__', () => elementwiseAttributes('elu', JSON.parse('{"__proto__": 1}'))],
  ] as const)('%s', (_, action) => {
    expectError(action, 'ERR_ARGUMENT');
  });
});

describe('what quantization asks', () => {
  it('knows its operators by their own names only', () => {
    expect(ELEMENTWISE_OPS).toHaveLength(11);
    for (const name of ['linear', 'toString', '__proto__', 'constructor', ''])
      expect(isElementwiseOp(name)).toBe(false);
  });

  it('clamps have bounds, others none', () => {
    const bounds = ELEMENTWISE_OPS.map((op) => clampBounds(op, elementwise(op).attributes));
    expect(bounds.filter((b) => b !== undefined)).toEqual([
      [0, Infinity],
      [0, 6],
      [-Infinity, Infinity],
    ]);
    expect(clampBounds('linear', {})).toBeUndefined();
  });

  it('outside of the useful range every function is nearly constant, or the identity', () => {
    for (const op of ELEMENTWISE_OPS) {
      const { attributes } = elementwise(op);
      const [low, high] = usefulInputRange(op, attributes);
      const f = (x: number) => FUNCTIONS[op](x, attributes);
      expect(low <= 0 && high >= 0).toBe(true);
      // Half of a step of the output's grid over at least [low, high].
      const range = Math.max(Math.abs(f(Math.min(high, 10))), Math.abs(f(Math.max(low, -10))), 1);
      if (low > -Infinity) expect(Math.abs(f(low) - f(low - 100))).toBeLessThan(range / 255);
      if (high < Infinity) expect(Math.abs(f(high) - f(high + 100))).toBeLessThan(range / 255);
    }
    expect(usefulInputRange('hardSigmoid', { alpha: -1, beta: 0 })).toEqual([-Infinity, Infinity]);
  });
});
