import { describe, expect, it } from 'vitest';
import { checkContenders, largestError, reference } from '../../bench/check.mjs';

/** y = relu(x·W₁ᵀ + b₁)·W₂ᵀ + b₂, small enough to work out by hand. */
const layers = [
  { inFeatures: 2, outFeatures: 2, weight: Float32Array.of(1, 2, -1, 0), bias: Float32Array.of(1, 0) },
  { inFeatures: 2, outFeatures: 1, weight: Float32Array.of(2, 3), bias: Float32Array.of(-1) },
];
const rows = Float32Array.of(1, 1, -3, 0);
const outputs = [7, 8];

const contender = (name, values, more = {}) => ({
  name,
  arithmetic: 'float32',
  call: () => undefined,
  result: () => Float32Array.from(values),
  ...more,
});
const check = (...contenders) => checkContenders(contenders, { layers, outputRange: 8 }, { rows });

it('reference computes the model', () => {
  expect([...reference(layers, rows)]).toEqual(outputs);
});

describe('largestError', () => {
  it('is the largest difference', () => {
    expect(largestError([1, 2, 3], [1, 2.5, 2.75])).toBe(0.5);
  });

  it('lets nothing pass that is no number, or of another length', () => {
    expect(largestError([1, 2], [1, Number.NaN])).toBe(Number.POSITIVE_INFINITY);
    expect(largestError([1, 2], [1])).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('checkContenders', () => {
  it('gives the errors as shares of the output range', async () => {
    const int8 = contender('int8', [7, 8.2], { arithmetic: 'int8' });
    const [own, other] = await check(contender('float32', outputs), int8);
    expect(own).toBe(0);
    expect(other).toBeCloseTo(0.025);
  });

  it('refuses a peer that computes something else, and our own float32 too', async () => {
    const wrong = contender('ort', [7, 9], { form: 'qdq' });
    await expect(check(contender('float32', outputs), wrong)).rejects.toThrow(/ort \(qdq\) within 0.0001/);
    await expect(check(contender('float32', [7, 9]))).rejects.toThrow(/float32 within/);
  });

  it('waits for peers that answer later', async () => {
    let answer = [0, 0];
    const slow = contender('ort', [], {
      call: async () => {
        await undefined;
        answer = outputs;
      },
      result: async () => Float32Array.from(answer),
    });
    expect(await check(contender('float32', outputs), slow)).toEqual([0, 0]);
  });
});
