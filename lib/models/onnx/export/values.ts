import { productScale } from '../../compile';
import type { CodesValue, Graph } from '../../graph';
import { isCodes } from '../../graph';
import { writeClip } from './elementwise';
import type { GraphWriter, Target } from './writer';

const AXIS_FEATURES = { axis: { int: 1 } };

/**
 * The model's values in ONNX, where operators work on float32: a value of codes is read through a DequantizeLinear and
 * written through a clamp, if it has one, and a QuantizeLinear (QDQ).
 */
export class Values {
  private readonly floats = new Map<string, string>();
  /** The codes of the input, which comes as float32 under its own name. */
  private inputCodes: string | undefined;

  constructor(
    private readonly graph: Graph,
    private readonly writer: GraphWriter,
  ) {}

  features(name: string): number {
    return this.graph.values.get(name)!.features;
  }

  /** Where the model's input is codes, float32 rows are quantized. */
  writeInput(): void {
    const { input } = this.graph;
    const value = this.graph.values.get(input)!;
    if (!isCodes(value)) return;
    this.inputCodes = this.writer.fresh(`${input}/codes`);
    this.quantize(value, input, { value: this.inputCodes });
  }

  /** The name of a value in the dtype that the model says. */
  stored(name: string): string {
    return name === this.graph.input ? (this.inputCodes ?? name) : name;
  }

  /** The name of a value in float32. */
  float(name: string): string {
    const value = this.graph.values.get(name)!;
    if (!isCodes(value)) return name;
    const known = this.floats.get(name);
    if (known !== undefined) return known;
    const float = this.dequantize(name, { value: this.writer.fresh(`${name}/dequantized`) });
    this.floats.set(name, float);
    return float;
  }

  /** Lets `write` write a value in float32. */
  write(name: string, write: (to: string) => void): void {
    const value = this.graph.values.get(name)!;
    if (!isCodes(value)) {
      write(name);
      return;
    }
    const float = this.writer.fresh(`${name}/float32`);
    write(float);
    this.quantize(value, float, { value: name });
  }

  /** float32 → codes, clamped as the value says. */
  quantize(value: CodesValue, float: string, target: Target): void {
    const clamped = this.clamp(value, float, target.value);
    const { scale, zeroPoint } = this.grid(target.value, value);
    if (value.scale.length === 1) this.writer.add('QuantizeLinear', [clamped, scale, zeroPoint], target);
    else this.writer.add('QuantizeLinear', [clamped, scale, zeroPoint], target, AXIS_FEATURES);
  }

  /** real = scale · (code − zeroPoint), scale 1 where each feature's own is folded into the weights behind. */
  dequantize(name: string, target: Target): string {
    const value = this.graph.values.get(name) as CodesValue;
    const one = { ...value, scale: Float32Array.of(productScale(value)) };
    const { scale, zeroPoint } = this.grid(target.value, one);
    return this.writer.add('DequantizeLinear', [this.stored(name), scale, zeroPoint], target);
  }

  /** Bounds as real numbers, which become those codes again: |bound/s| is within 2^-15 of an integer. */
  private clamp({ min, max, scale, zeroPoint }: CodesValue, float: string, name: string): string {
    if (min === undefined && max === undefined) return float;
    if (min === zeroPoint && max === undefined) return this.writer.step('Relu', [float], `${name}/clamped`);
    const real = (code: number | undefined) =>
      code === undefined ? undefined : Math.fround(scale[0]! * (code - zeroPoint));
    const target = { value: this.writer.fresh(`${name}/clamped`) };
    writeClip(this.writer, float, target, name, { low: real(min), high: real(max) });
    return target.value;
  }

  private grid(name: string, { dtype, scale, zeroPoint }: CodesValue): { scale: string; zeroPoint: string } {
    const dims = scale.length === 1 ? [] : [scale.length];
    const Codes = dtype === 'uint8' ? Uint8Array : Int8Array;
    return {
      scale: this.writer.constant(`${name}/scale`, 'float32', dims, scale),
      zeroPoint: this.writer.constant(
        `${name}/zero_point`,
        dtype,
        dims,
        new Codes(scale.length).fill(zeroPoint),
      ),
    };
  }
}
