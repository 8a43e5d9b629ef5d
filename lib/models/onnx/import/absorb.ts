import { allocateFloats } from '../../../formats/sizes';
import type { Budget } from './budget';
import type { AffineDraft, DraftNode, LayerNormDraft, LinearDraft } from './draft';
import { at, isAll } from './factor';

/**
 * y = scale·x + shift becomes part of the linear node (or layer norm) that alone writes x, else of all the linear nodes
 * that read y, else a linear node with scale on its diagonal.
 */
export class Absorber {
  constructor(
    /** Features of each value. */
    private readonly features: ReadonlyMap<string, number>,
    private readonly budget: Budget,
  ) {}

  /** Before: w' = scale·w in each row, b' = scale·b + shift. */
  into(writer: LinearDraft | LayerNormDraft, { scale, shift, output }: AffineDraft): DraftNode {
    if (writer.op === 'layerNorm') {
      const features = this.features.get(output)!;
      const weight = this.vector(features, (i) => (writer.weight?.[i] ?? 1) * at(scale, i));
      const bias = this.vector(features, (i) => (writer.bias?.[i] ?? 0) * at(scale, i) + at(shift, i));
      return { ...writer, weight, bias: bias.every((b) => b === 0) ? undefined : bias, output };
    }
    const outFeatures = this.features.get(output)!;
    const inFeatures = writer.weight.length / outFeatures;
    const isShift = typeof scale === 'number' && scale === 1;
    const weight = isShift
      ? writer.weight
      : this.vector(writer.weight.length, (i) => writer.weight[i]! * at(scale, Math.floor(i / inFeatures)));
    const bias = this.vector(outFeatures, (n) => (writer.bias?.[n] ?? 0) * at(scale, n) + at(shift, n));
    return { ...writer, weight, bias: this.orNone(writer, bias), output };
  }

  /** Behind: w' = w·scale in each column, b' = b + w·shift. */
  before(reader: LinearDraft, { scale, shift, inputs }: AffineDraft): LinearDraft {
    const outFeatures = this.features.get(reader.output)!;
    const inFeatures = reader.weight.length / outFeatures;
    const weight = this.vector(reader.weight.length, (i) => reader.weight[i]! * at(scale, i % inFeatures));
    const shifts = !isAll(shift, 0);
    const bias = this.vector(outFeatures, (n) => {
      let sum = reader.bias?.[n] ?? 0;
      if (!shifts) return sum; // an infinite weight times 0 is NaN
      for (let k = 0; k < inFeatures; k++) sum += reader.weight[n * inFeatures + k]! * at(shift, k);
      return sum;
    });
    return { ...reader, weight, bias: this.orNone(reader, bias), inputs: [inputs[0]!] };
  }

  diagonal({ name, source, inputs, output, scale, shift }: AffineDraft): LinearDraft {
    const features = this.features.get(output)!;
    this.budget.take(features * features);
    const weight = allocateFloats(features * features);
    for (let i = 0; i < features; i++) weight[i * features + i] = at(scale, i);
    const bias = this.vector(features, (i) => at(shift, i));
    return {
      op: 'linear',
      name,
      source,
      inputs,
      output,
      weight,
      bias: bias.every((b) => b === 0) ? undefined : bias,
    };
  }

  /** A layer that had no bias, and adds nothing now, has none. */
  private orNone(before: LinearDraft, bias: Float32Array): Float32Array | undefined {
    return before.bias === undefined && bias.every((b) => b === 0) ? undefined : bias;
  }

  private vector(length: number, value: (i: number) => number): Float32Array {
    this.budget.take(length);
    const result = allocateFloats(length);
    for (let i = 0; i < length; i++) result[i] = value(i);
    return result;
  }
}
