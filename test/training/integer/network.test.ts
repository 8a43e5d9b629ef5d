import { describe, expect, it } from 'vitest';
import { forward, referenceStep } from '../../support/integer-reference';
import { type Shape, twins } from '../../support/integer-twins';

const SHAPES: Shape[] = [
  { widths: [5, 7, 3], rows: 4, steps: 8, rate: -1 },
  { widths: [70, 65, 9, 10], rows: 19, steps: 6, rate: -2 },
  { widths: [1, 1, 2], rows: 1, steps: 70, rate: 0 },
  { widths: [17, 64, 2], rows: 130, steps: 3, rate: -1, raised: true },
  { widths: [9, 4], rows: 3, steps: 70, rate: -26 },
  { widths: [12, 20, 6, 4], rows: 8, steps: 70, rate: 1 },
  { widths: [5, 7, 3], rows: 4, steps: 8, rate: 0, bits: 2 },
  { widths: [70, 65, 9, 10], rows: 19, steps: 5, rate: 1, bits: 2 },
  { widths: [66, 33, 10], rows: 32, steps: 5, rate: 3, bits: 8 },
  { widths: [9, 4], rows: 3, steps: 5, rate: -30, bits: 8 },
];

describe('a native step', () => {
  it.each(SHAPES)('equals the reference: %o', (shape) => {
    const { reference, native, random, offset } = twins(shape, 3);
    const [inFeatures, classes] = [shape.widths[0]!, shape.widths.at(-1)!];
    const count = 2 * shape.rows + 1;
    const inputs = Uint8Array.from({ length: count * inFeatures }, () => random.below(256));
    const targets = Int32Array.from({ length: count }, () => random.below(classes));
    for (let step = 0; step < shape.steps; step++) {
      const length = step % 3 === 2 ? Math.ceil(shape.rows / 2) : shape.rows;
      const rows = Uint32Array.from({ length }, () => random.below(count));
      const numbers = [...rows].flatMap((r) =>
        Array.from(inputs.subarray(r * inFeatures, (r + 1) * inFeatures), (x) => x - offset),
      );
      native.step({ inputs, targets }, rows, shape.rate, step);
      referenceStep(
        reference,
        numbers,
        [...rows].map((r) => targets[r]!),
        shape.rate,
        step,
      );
      reference.layers.forEach(({ stored, bias }, l) => {
        expect(native.read(l)).toEqual({ weight: stored, bias });
      });
      expect(native.shifts).toEqual(reference.layers.slice(0, -1).map(({ shift }) => shift));
    }
  });

  it('judges without changing anything, and counts right answers', () => {
    const shape = { widths: [6, 10, 4], rows: 9, steps: 1, rate: -1 };
    const { reference, native, random } = twins(shape, 5);
    const inputs = Uint8Array.from({ length: 9 * 6 }, () => random.below(256));
    const targets = Int32Array.from({ length: 9 }, () => random.below(4));
    const rows = Uint32Array.from({ length: 9 }, (_, i) => i);
    native.step({ inputs, targets }, rows, -1, 0);
    referenceStep(reference, [...inputs], [...targets], -1, 0);
    const before = [native.read(0), native.read(1), native.activations];
    const { correct, loss } = native.judge({ inputs, targets }, rows);
    expect([native.read(0), native.read(1), native.activations]).toEqual(before);
    const { accumulators, exponents } = forward(reference, [...inputs], 9);
    let right = 0;
    let sum = 0;
    targets.forEach((target, r) => {
      const logits = accumulators[1]!.slice(r * 4, r * 4 + 4);
      right += Number(logits.indexOf(Math.max(...logits)) === target);
      const real = logits.map((x) => x * 2 ** exponents[2]!);
      sum += Math.log(real.reduce((z, x) => z + Math.exp(x - real[target]!), 0));
    });
    expect(correct).toBe(right);
    expect(loss).toBeCloseTo(sum, 1);
  });
});
