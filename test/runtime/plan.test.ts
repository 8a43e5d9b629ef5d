import { describe, expect, it } from 'vitest';
import type { NativeProgram, NativeStage } from '../../lib/runtime/native';
import { Plan } from '../../lib/runtime/plan';
import { expectError, expectRejection } from '../support/errors';

/** Programs as `compile` writes them; the addon checks them once more, since a wrong one would read foreign memory. */

const float32 = (name: string, features = 2) => ({ name, features, type: 'float32' as const });
const codes = (name: string, features = 2) => ({ name, features, type: 'codes' as const });
const relu = (from: number, to: number): NativeStage => ({
  op: 'relu',
  inputs: [from],
  output: to,
  a: 0,
  b: 0,
});
const grid = { scale: Float32Array.of(0.5), zeroPoint: 128, lo: 0, hi: 255 };

function program(
  values: NativeProgram['values'],
  stages: NativeStage[],
  output = values.length - 1,
): NativeProgram {
  return {
    values,
    stages,
    input: { value: 0, element: 'float32' },
    output: { value: output, element: 'float32' },
    observable: true,
  };
}

const settings = { nanIsZero: false };
const good = program([float32('x'), float32('y')], [relu(0, 1)]);
const x = Float32Array.of(1, -2, -3, 4);
const y = Float32Array.of(1, 0, 0, 4);

describe('a plan', () => {
  it('runs, now and later, and shows its values', async () => {
    const plan = new Plan(good, settings);
    expect(plan.runSync(x, new Float32Array(4))).toEqual(y);
    for (const own of ['none', 'output', 'both'] as const) {
      const output = new Float32Array(4);
      await plan.run(x, output, own, {});
      expect(output).toEqual(y);
    }
    const values = [new Float32Array(4), new Float32Array(4)];
    plan.observe(x, new Float32Array(4), values);
    expect(values).toEqual([x, y]);
    plan.observe(x, new Float32Array(4), [undefined, undefined]);
    plan.release();
  });

  it('ends with its release, once and for all', async () => {
    const plan = new Plan(good, settings);
    const output = new Float32Array(4);
    const running = plan.run(x, output, 'output', {});
    plan.release();
    plan.release();
    await running;
    expect(output).toEqual(y);
    expectError(() => plan.runSync(x, new Float32Array(4)), 'ERR_DISPOSED');
    expectError(() => plan.observe(x, new Float32Array(4), []), 'ERR_DISPOSED');
    await expectRejection(plan.run(x, new Float32Array(4), 'output', {}), 'ERR_DISPOSED');
  });

  it('checks the sizes of what it is given', async () => {
    const plan = new Plan(good, settings);
    expectError(() => plan.runSync(new Float32Array(3), new Float32Array(4)), 'ERR_SHAPE');
    expectError(() => plan.runSync(x, new Float32Array(3)), 'ERR_SHAPE');
    expectError(() => plan.runSync(new Int8Array(4), new Float32Array(4)), 'ERR_DTYPE');
    expectError(() => plan.observe(x, new Float32Array(4), [new Float32Array(3)]), 'ERR_SHAPE');
    await expectRejection(plan.run(x, new Float32Array(3), 'output', {}), 'ERR_SHAPE');
    plan.release();
  });
});

describe('a wrong program is a coded error', () => {
  const weight = new Int8Array(4);
  const linear = {
    inputs: [0] as [number],
    output: 1,
    outFeatures: 2,
    inFeatures: 2,
    weightZeroPoint: undefined,
  };
  const staticLinear = (more: object): NativeStage =>
    ({
      op: 'staticLinear',
      ...linear,
      weight,
      bias: undefined,
      xZeroPoint: 128,
      scale: Float32Array.of(1),
      ...more,
    }) as NativeStage;
  const onCodes = (stage: NativeStage): NativeProgram => ({
    ...program([codes('x'), float32('y')], [stage]),
    input: { value: 0, element: 'uint8', ...grid },
  });

  it('not so the one they are made from', () => {
    const plan = new Plan(onCodes(staticLinear({})), settings);
    expect(plan.runSync(Uint8Array.of(1, 2), new Float32Array(2))).toEqual(new Float32Array(2));
  });

  it.each([
    ['a value of no features', program([float32('x', 0), float32('y', 0)], [relu(0, 1)])],
    ['half a feature', program([float32('x', 1.5), float32('y', 1.5)], [relu(0, 1)])],
    ['too many features', program([float32('x', 2 ** 25), float32('y', 2 ** 25)], [relu(0, 1)])],
    ['a stage that reads what is not there', program([float32('x'), float32('y')], [relu(7, 1)])],
    ['a stage that writes what is not there', program([float32('x'), float32('y')], [relu(0, 7)])],
    [
      'a stage that reads what is not written yet',
      program([float32('x'), float32('y'), float32('z')], [relu(2, 1)], 1),
    ],
    ['a stage that writes the input', program([float32('x')], [relu(0, 0)])],
    ['a value written twice', program([float32('x'), float32('y')], [relu(0, 1), relu(0, 1)])],
    ['an output that is not written', program([float32('x'), float32('y')], [])],
    ['other features', program([float32('x'), float32('y', 3)], [relu(0, 1)])],
    ['another type', program([float32('x'), codes('y')], [relu(0, 1)], 0)],
    ['a concat of nothing', program([float32('x'), float32('y')], [{ op: 'concat', inputs: [], output: 1 }])],
    [
      'an unknown operator',
      program([float32('x'), float32('y')], [{ ...relu(0, 1), op: 'conv' } as unknown as NativeStage]),
    ],
    [
      'an output whose type the value does not have',
      { ...good, output: { value: 1, element: 'uint8' as const, ...grid } },
    ],
    [
      'a scale of 0',
      {
        ...onCodes(staticLinear({})),
        input: { value: 0, element: 'uint8' as const, ...grid, scale: new Float32Array(1) },
      },
    ],
    [
      'bounds out of order',
      { ...onCodes(staticLinear({})), input: { value: 0, element: 'uint8' as const, ...grid, lo: 5, hi: 4 } },
    ],
    ['a weight of another size', onCodes(staticLinear({ weight: new Int8Array(5) }))],
    ['a bias of another size', onCodes(staticLinear({ bias: new Int32Array(3) }))],
    ['scales of another number', onCodes(staticLinear({ scale: new Float32Array(3) }))],
    ['a zero point beyond uint8', onCodes(staticLinear({ xZeroPoint: 256 }))],
    [
      'accumulators that overflow',
      onCodes(staticLinear({ weight: new Int8Array(4).fill(1), bias: Int32Array.of(2 ** 31 - 1, 0) })),
    ],
    [
      'a short multiplier',
      onCodes(
        staticLinear({
          requantize: {
            rounding: 'half-up',
            multiplier: Int32Array.of(1),
            shift: Int32Array.of(30),
            ...grid,
          },
        }),
      ),
    ],
    [
      'a table of another size',
      program(
        [codes('x'), codes('y')],
        [{ op: 'lookup', inputs: [0], output: 1, table: new Uint8Array(255) }],
      ),
    ],
  ] as [string, NativeProgram][])('%s', (_, wrong) => {
    let code = 'none';
    try {
      new Plan(wrong, settings).release();
    } catch (error) {
      code = (error as { code: string }).code;
    }
    expect(['ERR_SHAPE', 'ERR_ARGUMENT', 'ERR_DTYPE', 'ERR_OVERFLOW']).toContain(code);
  });
});
