import { Random } from '../../lib/random';
import type { InputGrid } from '../../lib/training/integer/inputs';
import { IntegerNetwork } from '../../lib/training/integer/network';
import { type IntegerLayerSpec, wageGrid } from '../../lib/training/integer/recipe';
import type { ReferenceNet } from './integer-reference';

export interface Shape {
  readonly widths: readonly number[];
  readonly rows: number;
  readonly steps: number;
  readonly rate: number;
  /** WAGE with so many bits of weights; missing: block fixed point. */
  readonly bits?: number;
  readonly raised?: boolean;
}

function specsOf({ widths, bits }: Shape): IntegerLayerSpec[] {
  return widths.slice(1).map((outFeatures, i) => {
    const sizes = { inFeatures: widths[i]!, outFeatures };
    if (bits !== undefined) return { ...sizes, ...wageGrid(sizes.inFeatures, bits) };
    return { ...sizes, limit: 32767, codeShift: 8, exponent: -8, shift: -1 };
  });
}

/** The native network and the reference, with the same random weights. */
export function twins(shape: Shape, seed: number) {
  const specs = specsOf(shape);
  const random = new Random(seed);
  const wage = shape.bits !== undefined;
  const raised = shape.raised ?? wage;
  const reference: ReferenceNet = {
    recipe: wage ? 'wage' : 'block',
    layers: specs.map((spec) => {
      const draw = (length: number, bound: number) =>
        Int32Array.from({ length }, () => random.below(2 * bound + 1) - bound);
      const stored = draw(spec.inFeatures * spec.outFeatures, spec.limit);
      return { ...spec, stored, bias: draw(spec.outFeatures, wage ? 0 : 20000) };
    }),
    inputExponent: raised ? -7 : -8,
    raisedInputs: raised,
    seed: [seed, 77],
    batches: 0,
    clipped: specs.map(() => 0),
    codes: specs.map(() => 0),
  };
  const grid = { features: shape.widths[0]!, scale: Float32Array.of(1), min: raised ? -127 : 0 } as const;
  const value = raised
    ? ({ ...grid, dtype: 'int8', zeroPoint: 0, max: 127 } as const)
    : ({ ...grid, dtype: 'uint8', zeroPoint: 0, max: 255 } as const);
  const input: InputGrid = { value, raised, exponent: reference.inputExponent };
  const native = new IntegerNetwork(
    specs,
    wage ? '2-8-8-8' : '8-8-8-8',
    input,
    shape.rows,
    seed + 77 * 2 ** 32,
  );
  reference.layers.forEach(({ stored, bias }, l) => {
    native.write(l, { weight: stored, bias });
  });
  return { reference, native, random, input, offset: raised ? 128 : 0 };
}
