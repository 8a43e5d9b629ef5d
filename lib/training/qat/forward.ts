import { RequantError } from '../../errors';
import { nativeElementwise } from '../../layers/elementwise';
import { roundToGrid } from '../../runtime/float-grid';
import { callNative, type NativeElementwise, type NativeStage } from '../../runtime/native';
import { Plan } from '../../runtime/plan';
import type { CodesGrid, Program } from './program';

/** A value of a pass. */
export interface Held {
  /** Real numbers: those of codes, or of a float value. */
  readonly real: Float32Array;
  readonly codes?: Uint8Array;
  /** In steps from the grid's zero, before rounding; missing where codes were copied. */
  readonly positions?: Float32Array;
}

type Stage<Op extends NativeStage['op']> = Extract<NativeStage, { op: Op }>;

/** One run of a program over some rows: every stage by the kernels that serve it, every value kept. */
export class ForwardPass {
  readonly held: (Held | undefined)[];

  constructor(
    readonly program: Program,
    input: Float32Array,
    readonly rows: number,
    /** The value that is asked for: what comes behind it is not run. */
    readonly output: number,
  ) {
    this.held = program.native.values.map(() => undefined);
    const grid = program.grids[0];
    this.held[0] = grid === undefined ? { real: input } : this.rounded(input, grid);
    for (const stage of program.native.stages) {
      this.held[stage.output] = this.run(stage);
      if (stage.output === output) break;
    }
  }

  real(number: number): Float32Array {
    return this.held[number]!.real;
  }

  features(number: number): number {
    return this.program.native.values[number]!.features;
  }

  private run(stage: NativeStage): Held {
    const x = this.held[stage.inputs[0]!]!;
    const grid = this.program.grids[stage.output];
    switch (stage.op) {
      case 'staticLinear':
        return this.staticLinear(stage, x.codes!, grid);
      case 'floatLinear':
        return { real: this.floatLinear(stage, x.real) };
      case 'quantize':
        return this.rounded(x.real, grid!);
      case 'dequantize':
        return { real: x.real };
      case 'roundToGrid':
        return { real: roundToGrid(x.real, stage, Float32Array.of(stage.denominator)) };
      case 'lookup':
        return this.lookup(stage, x, grid!);
      case 'add':
        return { real: sum(x.real, this.real(stage.inputs[1])) };
      case 'concat':
        return this.concat(stage, grid);
      case 'layerNorm':
        return { real: this.layerNorm(stage, x) };
      case 'softmax':
      case 'logSoftmax': {
        const y = new Float32Array(x.real.length);
        const n = this.features(stage.output);
        return { real: callNative((addon) => addon.softmax(x.real, n, stage.op === 'logSoftmax', y)) };
      }
      case 'dynamicLinear':
      case 'int4Linear':
        throw new RequantError('ERR_UNSUPPORTED', `expected no stage '${stage.op}' in training`);
      default:
        return { real: elementwise(stage.op, stage.a, stage.b, x.real) };
    }
  }

  /** codes = clamp(z + rne(x/s)) */
  private rounded(x: Float32Array, grid: CodesGrid): Held {
    const { scale, zeroPoint, lo, hi } = grid;
    const codes = callNative((addon) => addon.quantizeLinear(x, scale, zeroPoint, new Uint8Array(x.length)));
    const positions = new Float32Array(x.length);
    for (let i = 0; i < codes.length; i++) {
      codes[i] = Math.min(Math.max(codes[i]!, lo), hi);
      positions[i] = x[i]! / scale;
    }
    return this.ofCodes(codes, grid, positions);
  }

  private ofCodes(codes: Uint8Array, { scale, zeroPoint }: CodesGrid, positions?: Float32Array): Held {
    const out = new Float32Array(codes.length);
    const real = callNative((addon) => addon.dequantizeLinear(codes, scale, zeroPoint, out));
    return { real, codes, ...(positions && { positions }) };
  }

  /** acc = b + Σ (x − zx)·w; float32 from it, or codes: then positions are acc·M. */
  private staticLinear(stage: Stage<'staticLinear'>, x: Uint8Array, grid: CodesGrid | undefined): Held {
    const { weight, outFeatures, inFeatures, xZeroPoint, bias, scale, requantize } = stage;
    const length = this.rows * outFeatures;
    return callNative((addon) => {
      const packed = addon.packWeights(weight, outFeatures, inFeatures, undefined);
      try {
        if (requantize === undefined) {
          const y = new Float32Array(length);
          return { real: addon.qgemm(x, packed, xZeroPoint, bias, undefined, scale, y) };
        }
        const acc = addon.qgemm(x, packed, xZeroPoint, bias, undefined, undefined, new Int32Array(length));
        const { multiplier, shift, zeroPoint, lo, hi, rounding } = requantize;
        const how = { multiplier: multiplier!, shift: shift!, zeroPoint, min: lo, max: hi, rounding };
        const codes = addon.requantize(acc, how, new Uint8Array(length));
        return this.ofCodes(codes, grid!, multiplied(acc, multiplier!, shift!));
      } finally {
        addon.releaseWeights(packed);
      }
    });
  }

  private floatLinear(stage: Stage<'floatLinear'>, x: Float32Array): Float32Array {
    const { outFeatures: n, inFeatures: k, bias } = stage;
    const weight = stage.weight as Float32Array;
    const y = new Float32Array(this.rows * n);
    return callNative((addon) => addon.floatProduct(x, weight, this.rows, n, k, false, false, y, bias));
  }

  /** The table's codes; positions from the function itself. */
  private lookup({ table, output }: Stage<'lookup'>, x: Held, grid: CodesGrid): Held {
    const node = this.program.functions.get(output)!;
    const { name, a, b } = nativeElementwise(node.op, node.attributes);
    const positions = elementwise(name, a, b, x.real);
    const codes = new Uint8Array(x.codes!.length);
    for (let i = 0; i < codes.length; i++) {
      codes[i] = table[x.codes![i]!]!;
      positions[i]! /= grid.scale;
    }
    return this.ofCodes(codes, grid, positions);
  }

  private concat({ inputs, output }: Stage<'concat'>, grid: CodesGrid | undefined): Held {
    const parts = inputs.map((number) => ({ ...this.held[number]!, width: this.features(number) }));
    const width = this.features(output);
    if (grid === undefined) {
      const real = new Float32Array(this.rows * width);
      sideBySide(
        parts.map(({ real: data, width: w }) => ({ data, width: w })),
        real,
        width,
      );
      return { real };
    }
    const codes = new Uint8Array(this.rows * width);
    sideBySide(
      parts.map(({ codes: data, width: w }) => ({ data: data!, width: w })),
      codes,
      width,
    );
    return this.ofCodes(codes, grid);
  }

  /** From codes it is normalized by their exact sums, which only a plan does. */
  private layerNorm(stage: Stage<'layerNorm'>, x: Held): Float32Array {
    const { epsilon, weight, bias, grid } = stage;
    const n = this.features(stage.output);
    const y = new Float32Array(x.real.length);
    if (grid === undefined) {
      return callNative((addon) => addon.layerNorm(x.real, n, epsilon, weight, bias, y));
    }
    const plan = new Plan(
      {
        values: [
          { name: 'x', features: n, type: 'codes' },
          { name: 'y', features: n, type: 'float32' },
        ],
        stages: [{ ...stage, inputs: [0], output: 1 }],
        input: { value: 0, element: 'uint8', ...grid },
        output: { value: 1, element: 'float32' },
        observable: false,
      },
      { nanIsZero: false },
    );
    try {
      return plan.runSync(x.codes!, y);
    } finally {
      plan.release();
    }
  }
}

/** acc·m·2^−s, a multiplier a column or one. */
function multiplied(acc: Int32Array, multiplier: Int32Array, shift: Int32Array): Float32Array {
  const factor = Float64Array.from(multiplier, (m, n) => m * 2 ** -shift[n]!);
  const columns = factor.length;
  const out = new Float32Array(acc.length);
  for (let i = 0; i < acc.length; i += columns)
    for (let n = 0; n < columns; n++) out[i + n] = acc[i + n]! * factor[n]!;
  return out;
}

function sum(a: Float32Array, b: Float32Array): Float32Array {
  const y = new Float32Array(a.length);
  for (let i = 0; i < y.length; i++) y[i] = a[i]! + b[i]!;
  return y;
}

function elementwise(name: NativeElementwise, a: number, b: number, x: Float32Array): Float32Array {
  return callNative((addon) => addon.elementwise(name, a, b, x, new Float32Array(x.length)));
}

/** Columns of the parts after each other, row by row. */
function sideBySide<T extends Float32Array | Uint8Array>(
  parts: readonly { data: T; width: number }[],
  out: T,
  width: number,
): void {
  let column = 0;
  for (const { data, width: own } of parts) {
    for (let row = 0; row * width < out.length; row++)
      out.set(data.subarray(row * own, (row + 1) * own), row * width + column);
    column += own;
  }
}
