import { expected } from '../../../../errors';
import { MAX_FEATURES } from '../../../../layers/linear';
import { broadcast } from '../broadcast';
import { floatsOf, transposed } from '../constants';
import type { Operation, Translator } from '../operation';
import { type IntegerBias, type IntegerWeight, integerWeight } from '../quantized/constants';
import { type ConstantTerm, product, sameSizes, type Term, type ValueTerm } from '../terms';

/** y = alpha·x·B + beta·C; B is [in, out], or [out, in] with transB. */
export const gemm: Translator = (op) => {
  const x = op.value(0);
  const [alpha, beta] = [op.float('alpha', 1), op.float('beta', 1)];
  if (op.int('transA', 0) !== 0) throw op.unsupported('transA of a value');
  if (x.sizes.length !== 1) throw op.unsupported(`input 0 of rank ${x.sizes.length + 1}`);
  const weight = weightOf(op, weightTerm(op), op.int('transB', 0) !== 0);
  const c = op.input(2);
  const bias = alpha === 1 && beta === 1 ? integerBias(c, weight) : undefined;
  const product = linear(op, x, { ...weight, ...bias }, 1);
  if (bias !== undefined) return product;
  const scaled = op.affine(product, alpha, 0);
  return c === undefined || beta === 0 ? scaled : addScaled(op, scaled, c, beta);
};

/** y = x·B; B is [in, out]. x may have sizes of 1 before its features. */
export const matMul: Translator = (op) => {
  const x = op.value(0);
  const features = x.sizes.at(-1);
  if (features !== product(x.sizes)) throw op.unsupported(`a product with each row of [${x.sizes}]`);
  return linear(op, x, weightOf(op, weightTerm(op), false), x.sizes.length);
};

/** What a linear node multiplies with, and what it adds where that is stored as integers. */
export interface Matrix {
  /** [outFeatures, inFeatures] */
  readonly data: Float32Array;
  readonly outFeatures: number;
  readonly inFeatures: number;
  /** What `data` was dequantized from. */
  readonly integer?: IntegerWeight;
  readonly bias?: Float32Array;
  readonly integerBias?: IntegerBias;
}

function weightTerm(op: Operation): ConstantTerm {
  op.constant(1); // which refuses what is none
  return op.constantTerm(1);
}

/** An int32 bias behind a DequantizeLinear. */
function integerBias(
  c: Term | undefined,
  { outFeatures, integer }: Matrix,
): Pick<Matrix, 'bias' | 'integerBias'> | undefined {
  if (integer === undefined || c?.kind !== 'constant') return undefined;
  const codes = c.quantized?.tensor;
  const { scale, zeroPoint } = c.quantized ?? {};
  const isBias =
    codes?.dtype === 'int32' &&
    codes.data.length === outFeatures &&
    (zeroPoint?.every((z) => z === 0) ?? true);
  if (!isBias || scale === undefined) return undefined;
  return { bias: floatsOf(c.tensor), integerBias: { codes: codes.data, scale } };
}

export function weightOf(op: Operation, { tensor, quantized }: ConstantTerm, isOutIn: boolean): Matrix {
  if (tensor.shape.length !== 2) throw op.unsupported(`weights of rank ${tensor.shape.length}`);
  const [rows, columns] = tensor.shape as [number, number];
  for (const size of tensor.shape) {
    if (size < 1 || size > MAX_FEATURES)
      throw expected('ERR_SHAPE', `weights of 1 to ${MAX_FEATURES} features in ${op.source}`, size);
  }
  if (tensor.dtype !== 'float32') op.budget.take(tensor.data.length);
  const matrix = floatsOf(tensor);
  const integer = quantized && integerWeight(quantized, isOutIn, op.budget);
  const own = integer === undefined ? {} : { integer };
  return isOutIn
    ? { data: matrix, outFeatures: rows, inFeatures: columns, ...own }
    : {
        data: transposed(matrix, [rows, columns], op.budget),
        outFeatures: columns,
        inFeatures: rows,
        ...own,
      };
}

interface LinearOptions {
  /** Where activations are quantized at run time. */
  readonly mode?: 'dynamic';
  readonly wish?: string;
  readonly weightName?: string;
}

export function linear(
  op: Operation,
  x: ValueTerm,
  weight: Matrix,
  rank: number,
  { mode, wish = op.naming.wish, weightName = op.node.inputs[1]! }: LinearOptions = {},
): ValueTerm {
  const { data, outFeatures, inFeatures, integer, bias, integerBias } = weight;
  const received = x.sizes.at(-1)!;
  if (received !== inFeatures)
    throw expected('ERR_SHAPE', `${op.source} to read ${inFeatures} features`, received);
  const { name, source } = op.naming;
  const output = op.draft.add(
    {
      op: 'linear',
      name: layerName(weightName) ?? name,
      source,
      inputs: [x.name],
      weight: data,
      bias,
      ...(integer && { integer }),
      ...(integerBias && { integerBias }),
      ...(mode && { mode }),
    },
    outFeatures,
    wish,
  );
  return { kind: 'value', name: output, sizes: [...Array<number>(rank - 1).fill(1), outFeatures] };
}

/** PyTorch's initializers carry the layer's name. */
function layerName(weight: string): string | undefined {
  return /^(.+)\.weight$/.exec(weight)?.[1];
}

/** y + beta·c */
function addScaled(op: Operation, y: ValueTerm, c: Term, beta: number): ValueTerm {
  if (c.kind === 'constant') {
    const shift = broadcast(op, op.numbers(2), y.sizes);
    return op.affine(y, 1, typeof shift === 'number' ? beta * shift : shift.map((v) => beta * v));
  }
  const other = op.value(2);
  if (!sameSizes(other, y)) throw op.unsupported(`input 2 of [batch, ${other.sizes}]`);
  return sum(op, y, op.affine(other, beta, 0));
}

/** x + f(x): what was written first stands first, which is x. */
export function sum(op: Operation, a: ValueTerm, b: ValueTerm): ValueTerm {
  const { name, source, wish } = op.naming;
  const isInOrder = op.draft.position(a.name) <= op.draft.position(b.name);
  const inputs = isInOrder ? [a.name, b.name] : [b.name, a.name];
  return { ...a, name: op.draft.add({ op: 'add', name, source, inputs }, product(a.sizes), wish) };
}
