import { describe, expect, it } from 'vitest';
import { QuantizedMLP } from '../../../lib/models/quantized-mlp';
import { runtimeSettings } from '../../../lib/models/runtime-options';
import { servedGraph } from '../../../lib/training/integer/served';
import { forward, referenceStep } from '../../support/integer-reference';
import { type Shape, twins } from '../../support/integer-twins';

const SHAPES: Shape[] = [
  { widths: [7, 33, 18, 5], rows: 16, steps: 5, rate: -2 },
  { widths: [70, 12, 3], rows: 16, steps: 5, rate: -1, raised: true },
  { widths: [9, 4], rows: 5, steps: 3, rate: -1 },
  { widths: [30, 21, 6], rows: 16, steps: 5, rate: 0, bits: 2 },
];

describe('the served model', () => {
  it.each(SHAPES)('has the logits of the forward pass, bit for bit: %o', (shape) => {
    const { reference, native, random, input, offset } = twins(shape, 9);
    const [inFeatures, classes] = [shape.widths[0]!, shape.widths.at(-1)!];
    const inputs = Uint8Array.from({ length: shape.rows * inFeatures }, () => 1 + random.below(255));
    const targets = Int32Array.from({ length: shape.rows }, () => random.below(classes));
    const rows = Uint32Array.from({ length: shape.rows }, (_, i) => i);
    const numbers = Array.from(inputs, (x) => x - offset);
    for (let step = 0; step < shape.steps; step++) {
      native.step({ inputs, targets }, rows, shape.rate, step);
      referenceStep(reference, numbers, [...targets], shape.rate, step);
    }
    const graph = servedGraph(native, input, shape.bits === undefined ? '8-8-8-8' : '2-8-8-8');
    const model = QuantizedMLP.fromGraph(graph, {}, runtimeSettings({}));
    const { accumulators, exponents } = forward(reference, numbers, shape.rows);
    const scale =
      shape.bits === undefined ? 2 ** exponents.at(-1)! : 2 ** (-7 - reference.layers.at(-1)!.shift);
    const logits = Float32Array.from(accumulators.at(-1)!, (acc) => Math.fround(acc) * scale);
    expect(model.rounding).toBe('half-even');
    expect(model.runSync(Float32Array.from(numbers))).toEqual(logits);
    if (offset === 0) expect(model.runSync(inputs)).toEqual(logits);
  });
});
