import type { Attribute } from '../../../formats/onnx';
import { groupCount, int4RowBytes } from '../../../quantization/int4';
import { accumulatorScale } from '../../compile';
import type { CodesValue, Graph, LinearNode, Weight } from '../../graph';
import type { Values } from './values';
import type { GraphWriter } from './writer';

type ByteWeight = Extract<Weight, { format: 'int8' | 'uint8' }>;
type Int4Weight = Extract<Weight, { format: 'int4' }>;

const TRANSPOSED = { transB: { int: 1 } };
const OUT_FEATURES = { axis: { int: 0 } };

/** y = x·Wᵀ + b, in the arithmetic of the node. */
export class LinearWriter {
  constructor(
    private readonly graph: Graph,
    private readonly writer: GraphWriter,
    private readonly values: Values,
  ) {}

  write(node: LinearNode): void {
    if (node.mode === 'dynamic') this.dynamic(node, node.weight as ByteWeight);
    else this.gemm(node);
  }

  /** Weights in float32, or behind a DequantizeLinear; static layers have their bias behind one as well. */
  private gemm(node: LinearNode): void {
    const { name, inputs, output, mode } = node;
    const operands = [this.values.float(inputs[0]!), this.weight(node)];
    if (mode === 'static') operands.push(...this.integerBias(node));
    else operands.push(...this.floatBias(node));
    this.values.write(output, (value) => {
      this.writer.add('Gemm', operands, { value, node: name }, TRANSPOSED);
    });
  }

  private weight(node: LinearNode): string {
    const { weight, name } = node;
    const wish = `${name}.weight`;
    if (weight.format === 'float32')
      return this.writer.constant(wish, 'float32', this.shape(node), weight.data);
    return weight.format === 'int4'
      ? this.int4(node, weight, wish)
      : this.bytes(node, weight as ByteWeight, wish);
  }

  private bytes(node: LinearNode, weight: ByteWeight, wish: string): string {
    const codes = this.writer.constant(wish, weight.format, this.shape(node), weight.data);
    const { scale, zeroPoint, attributes } = this.channels(weight, wish);
    return this.writer.step('DequantizeLinear', [codes, scale, zeroPoint], `${wish}/dequantized`, attributes);
  }

  /** Scale and zero point: both one, or both one an output feature. */
  private channels(weight: ByteWeight, wish: string) {
    const { format, scale, zeroPoint = Int32Array.of(0) } = weight;
    const count = Math.max(scale.length, zeroPoint.length);
    const dims = count === 1 ? [] : [count];
    const Codes = format === 'uint8' ? Uint8Array : Int8Array;
    return {
      scale: this.writer.constant(`${wish}/scale`, 'float32', dims, spread(scale, new Float32Array(count))),
      zeroPoint: this.writer.constant(
        `${wish}/zero_point`,
        format,
        dims,
        spread(zeroPoint, new Codes(count)),
      ),
      attributes: count === 1 ? {} : OUT_FEATURES,
    };
  }

  /** A scale a block along the input features; the last block may be shorter. */
  private int4(node: LinearNode, { data, scale, groupSize }: Int4Weight, wish: string): string {
    const [outFeatures, inFeatures] = this.shape(node);
    const packed = packTightly(data, outFeatures, inFeatures);
    const codes = this.writer.constant(wish, 'int4', [outFeatures, inFeatures], packed);
    const dims = [outFeatures, groupCount(inFeatures, groupSize)];
    const scales = this.writer.constant(`${wish}/scale`, 'float32', dims, scale);
    const attributes: Record<string, Attribute> = { axis: { int: 1 }, block_size: { int: groupSize } };
    return this.writer.step('DequantizeLinear', [codes, scales], `${wish}/dequantized`, attributes);
  }

  /** real = fl(sx·sw[n]) · code */
  private integerBias({ name, inputs, weight, bias }: LinearNode): string[] {
    if (bias === undefined) return [];
    const input = this.graph.values.get(inputs[0]!) as CodesValue;
    const scale = accumulatorScale(input, (weight as ByteWeight).scale);
    const wish = `${name}.bias`;
    const codes = this.writer.constant(wish, 'int32', [bias.length], bias as Int32Array);
    const scales = this.writer.constant(
      `${wish}/scale`,
      'float32',
      scale.length === 1 ? [] : [scale.length],
      scale,
    );
    const attributes = scale.length === 1 ? {} : OUT_FEATURES;
    return [this.writer.step('DequantizeLinear', [codes, scales], `${wish}/dequantized`, attributes)];
  }

  private floatBias(node: LinearNode): string[] {
    const { name, bias } = node;
    const [outFeatures] = this.shape(node);
    // Gemm wants one up to opset 10.
    const written = bias ?? (this.writer.opset < 11 ? new Float32Array(outFeatures) : undefined);
    if (written === undefined) return [];
    return [this.writer.constant(`${name}.bias`, 'float32', [outFeatures], written as Float32Array)];
  }

  /** y = Σ(x − z)·w · (s·sw[n]) + b[n], where z and s are found at run time. */
  private dynamic(node: LinearNode, weight: ByteWeight): void {
    const { name, inputs, output, bias } = node;
    const { writer } = this;
    const [x, s, z] = ['codes', 'scale', 'zero_point'].map((what) => writer.fresh(`${name}/x/${what}`));
    writer.addAll('DynamicQuantizeLinear', [this.values.float(inputs[0]!)], [x!, s!, z!]);
    const [outFeatures, inFeatures] = this.shape(node);
    const wish = `${name}.weight`;
    const data = transpose(weight.data, outFeatures, inFeatures);
    const codes = writer.constant(wish, weight.format, [inFeatures, outFeatures], data);
    const { scale, zeroPoint } = this.channels(weight, wish);
    const matMul = { value: writer.fresh(`${name}/accumulators`), node: name };
    writer.add('MatMulInteger', [x!, codes, z!, zeroPoint], matMul);
    const float = writer.step('Cast', [matMul.value], `${name}/cast`, { to: { int: FLOAT } });
    const product = [float, writer.step('Mul', [s!, scale], `${name}/scale`)];
    this.values.write(output, (value) => {
      if (bias === undefined) writer.add('Mul', product, { value });
      else
        writer.add('Add', [writer.step('Mul', product, `${name}/scaled`), ...this.floatBias(node)], {
          value,
        });
    });
  }

  private shape({ inputs, output }: LinearNode): [outFeatures: number, inFeatures: number] {
    return [this.values.features(output), this.values.features(inputs[0]!)];
  }
}

/** TensorProto.FLOAT */
const FLOAT = 1;

function spread<T extends Float32Array | Int8Array | Uint8Array>(from: Float32Array | Int32Array, to: T): T {
  if (from.length === 1) return to.fill(from[0]!) as T;
  to.set(from);
  return to;
}

/** [out, in] → [in, out], as MatMulInteger wants its second operand. */
function transpose<T extends Int8Array | Uint8Array>(data: T, outFeatures: number, inFeatures: number): T {
  const result = data.slice() as T;
  for (let n = 0; n < outFeatures; n++) {
    for (let k = 0; k < inFeatures; k++) result[k * outFeatures + n] = data[n * inFeatures + k]!;
  }
  return result;
}

/** ONNX packs nibbles across rows; here each row starts with a byte. */
function packTightly(data: Uint8Array, outFeatures: number, inFeatures: number): Uint8Array {
  if (inFeatures % 2 === 0) return data;
  const rowBytes = int4RowBytes(inFeatures);
  const packed = new Uint8Array(Math.ceil((outFeatures * inFeatures) / 2));
  for (let i = 0; i < outFeatures * inFeatures; i++) {
    const [n, k] = [Math.floor(i / inFeatures), i % inFeatures];
    const nibble = (data[n * rowBytes + (k >> 1)]! >> (4 * (k % 2))) & 0x0f;
    packed[i >> 1]! |= nibble << (4 * (i % 2));
  }
  return packed;
}
