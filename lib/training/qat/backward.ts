import { nativeElementwise } from '../../layers/elementwise';
import { callNative, type NativeElementwise, type NativeStage } from '../../runtime/native';
import { copyColumns, rowFunctionGradient, sumColumns } from '../network';
import { Reused } from '../reused';
import type { ForwardPass } from './forward';
import type { CodesGrid } from './program';

/** Where gradients of parameters go; arrays are the receiver's. */
export interface GradientSink {
  /** Of ŵ [outFeatures, inFeatures]; `stage` holds ŵ itself. */
  weight(layer: string, gradient: Float32Array, stage: LinearStage): void;
  bias(layer: string, gradient: Float32Array): void;
  /** Of the parameter array that the stage has. */
  norm(parameter: Float32Array, gradient: Float32Array): void;
  /** Turns the gradient of codes' reals into that of what was rounded, in place. */
  rounding(grid: CodesGrid, codes: Uint8Array, positions: Float32Array, gradient: Float32Array): void;
  /** The same of float8 values, by the value's number: `rounded` is what x became. */
  fp8Rounding(number: number, x: Float32Array, rounded: Float32Array, gradient: Float32Array): void;
}

export type LinearStage = Extract<NativeStage, { op: 'staticLinear' | 'floatLinear' }>;
type Stage<Op extends NativeStage['op']> = Extract<NativeStage, { op: Op }>;

/** Of the largest layer, for one pass after the other. */
export class BackwardMemory {
  readonly weightGradient = new Reused();
  readonly weight = new Reused();
}

/** Walks a pass's stages back from the gradient of its output: straight through every rounding. */
export class BackwardPass {
  private readonly gradients: (Float32Array | undefined)[];

  constructor(
    private readonly pass: ForwardPass,
    private readonly sink: GradientSink,
    private readonly memory: BackwardMemory,
  ) {
    this.gradients = pass.program.native.values.map(() => undefined);
  }

  /** `gradient` is used up. */
  run(gradient: Float32Array): void {
    const { stages } = this.pass.program.native;
    this.gradients[this.pass.output] = gradient;
    for (let i = stages.length - 1; i >= 0; i--) {
      const stage = stages[i]!;
      const dy = this.gradients[stage.output];
      if (dy === undefined) continue;
      this.throughRounding(stage, dy);
      this.stage(stage, dy);
      this.gradients[stage.output] = undefined;
    }
  }

  /** From the gradient of a value's codes to that of what the stage computed. */
  private throughRounding(stage: NativeStage, dy: Float32Array): void {
    const { program, held } = this.pass;
    const grid = program.grids[stage.output];
    const { codes, positions } = held[stage.output]!;
    if (grid !== undefined && codes !== undefined && positions !== undefined)
      this.sink.rounding(grid, codes, positions, dy);
    if (stage.op === 'roundToGrid') {
      const [x, rounded] = [this.pass.real(stage.inputs[0]), this.pass.real(stage.output)];
      this.sink.fp8Rounding(stage.output, x, rounded, dy);
    }
  }

  private stage(stage: NativeStage, dy: Float32Array): void {
    switch (stage.op) {
      case 'staticLinear':
      case 'floatLinear':
        this.linear(stage, dy);
        break;
      case 'quantize':
      case 'dequantize':
      case 'roundToGrid':
        this.give(stage.inputs[0], dy);
        break;
      case 'lookup':
        this.lookup(stage, dy);
        break;
      case 'add':
        this.give(stage.inputs[0], dy.slice());
        this.give(stage.inputs[1], dy);
        break;
      case 'concat':
        this.concat(stage, dy);
        break;
      case 'layerNorm':
        this.layerNorm(stage, dy);
        break;
      case 'softmax':
      case 'logSoftmax':
        this.rowFunction(stage, dy);
        break;
      case 'dynamicLinear':
      case 'int4Linear':
        break; // refused by the forward pass
      default:
        this.function(stage.inputs[0], stage.op, stage.a, stage.b, dy);
    }
  }

  /** dŴ = dYᵀ·X̂, db = Σ dY, dX̂ = dY·Ŵ */
  private linear(stage: LinearStage, dy: Float32Array): void {
    const { outFeatures: n, inFeatures: k, bias } = stage;
    const { rows, program } = this.pass;
    const layer = program.linears.get(stage.output)!;
    const input = stage.inputs[0];
    const x = this.pass.real(input);
    const dw = this.memory.weightGradient.of(n * k);
    callNative((addon) => addon.floatProduct(dy, x, n, k, rows, true, true, dw));
    if (bias !== undefined) this.sink.bias(layer, summed(dy, n));
    if (program.isTrained[input]) {
      const { weight, scaled } = realWeight(stage, dy, this.scaleOf(stage), this.memory.weight);
      const dx = new Float32Array(rows * k);
      this.give(
        input,
        callNative((addon) => addon.floatProduct(scaled, weight, rows, k, n, false, true, dx)),
      );
    }
    this.sink.weight(layer, dw, stage);
  }

  private scaleOf(stage: LinearStage): Float32Array | undefined {
    return stage.op === 'staticLinear' ? this.pass.program.weightScales.get(stage.output) : undefined;
  }

  private lookup({ inputs: [input], output }: Stage<'lookup'>, dy: Float32Array): void {
    const { op, attributes } = this.pass.program.functions.get(output)!;
    const { name, a, b } = nativeElementwise(op, attributes);
    this.function(input, name, a, b, dy);
  }

  private function(input: number, name: NativeElementwise, a: number, b: number, dy: Float32Array): void {
    if (!this.pass.program.isTrained[input]) return;
    const x = this.pass.real(input);
    const dx = new Float32Array(dy.length);
    this.give(
      input,
      callNative((addon) => addon.elementwiseGradient(name, a, b, x, dy, dx)),
    );
  }

  private concat({ inputs, output }: Stage<'concat'>, dy: Float32Array): void {
    const width = this.pass.features(output);
    let column = 0;
    for (const input of inputs) {
      const own = this.pass.features(input);
      const part = new Float32Array(this.pass.rows * own);
      copyColumns(dy, column, width, part, 0, own, own);
      this.give(input, part);
      column += own;
    }
  }

  private rowFunction({ op, inputs, output }: Stage<'softmax' | 'logSoftmax'>, dy: Float32Array): void {
    const dx = new Float32Array(dy.length);
    rowFunctionGradient(op, this.pass.real(output), dy, this.pass.features(output), dx);
    this.give(inputs[0], dx);
  }

  private layerNorm(stage: Stage<'layerNorm'>, dy: Float32Array): void {
    const { epsilon, weight, bias } = stage;
    const n = this.pass.features(stage.output);
    const input = stage.inputs[0];
    const x = this.pass.real(input);
    if (this.pass.program.isTrained[input]) {
      const dx = new Float32Array(dy.length);
      this.give(
        input,
        callNative((addon) => addon.layerNormGradient(x, n, epsilon, weight, dy, dx)),
      );
    }
    if (weight !== undefined) {
      const y = new Float32Array(dy.length);
      callNative((addon) => addon.layerNorm(x, n, epsilon, undefined, undefined, y));
      for (let i = 0; i < y.length; i++) y[i]! *= dy[i]!;
      this.sink.norm(weight, summed(y, n));
    }
    if (bias !== undefined) this.sink.norm(bias, summed(dy, n));
  }

  /** Adds to a value's gradient; the array is given away. */
  private give(number: number, gradient: Float32Array): void {
    if (!this.pass.program.isTrained[number]) return;
    const sum = this.gradients[number];
    if (sum === undefined) this.gradients[number] = gradient;
    else accumulate(sum, gradient);
  }
}

/** dY·Ŵ = (dY∘s)·Q of int8 weights: codes as they are, the scales on the smaller side. */
function realWeight(
  stage: LinearStage,
  dy: Float32Array,
  scale: Float32Array | undefined,
  memory: Reused,
): { weight: Float32Array; scaled: Float32Array } {
  if (scale === undefined) return { weight: stage.weight as Float32Array, scaled: dy };
  const n = stage.outFeatures;
  const scaled = new Float32Array(dy.length);
  for (let i = 0; i < dy.length; i += n)
    for (let c = 0; c < n; c++) scaled[i + c] = dy[i + c]! * scale[scale.length === 1 ? 0 : c]!;
  const codes = stage.weight as Int8Array;
  const weight = callNative((addon) => addon.dequantizeLinear(codes, 1, 0, memory.of(codes.length)));
  return { weight, scaled };
}

function accumulate(sum: Float32Array, term: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += term[i]!;
}

function summed(matrix: Float32Array, columns: number): Float32Array {
  const sums = new Float32Array(columns);
  sumColumns(matrix, columns, sums);
  return sums;
}
