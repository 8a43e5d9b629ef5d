import type { OnnxTensor } from '../../../../formats/onnx';
import { float32s, int64s, numbersOf, taken } from '../constants';
import type { Operation, Translator } from '../operation';
import { allowedCount, stridesOf, walk } from '../positions';
import { BATCH, type ConstantTerm, product, type Size, type SizesTerm, type Term } from '../terms';

/** What exporters compute from constants and shapes, most of it around Flatten, is computed here once. */

type Known = ConstantTerm | SizesTerm;

function known(op: Operation, i: number): Known {
  const term = op.input(i);
  if (term?.kind === 'sizes') return term;
  return { kind: 'constant', tensor: op.constant(i) };
}

const shapeOf = (term: Known) => (term.kind === 'constant' ? term.tensor.shape : term.shape);

/** The same elements in another shape. */
function viewed(term: Known, shape: readonly number[]): Term {
  return term.kind === 'constant'
    ? { kind: 'constant', tensor: { ...term.tensor, shape } }
    : { ...term, shape };
}

/** The elements at these positions. */
function pick(op: Operation, term: Known, positions: Int32Array, shape: readonly number[]): Term {
  if (term.kind === 'constant') return { kind: 'constant', tensor: taken(term.tensor, positions, shape) };
  if (shape.length > 1) throw op.unsupported(`sizes of rank ${shape.length}`);
  return sizesOrConstant(
    Array.from(positions, (i) => term.sizes[i]!),
    shape,
  );
}

/** Sizes without the batch among them are a constant like any other. */
function sizesOrConstant(sizes: readonly Size[], shape: readonly number[]): Term {
  return sizes.includes(BATCH)
    ? { kind: 'sizes', shape, sizes }
    : { kind: 'constant', tensor: int64s(sizes as readonly number[], shape) };
}

function axisOf(op: Operation, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (!(positive >= 0 && positive < rank)) throw op.unsupported(`axis ${axis} of rank ${rank}`);
  return positive;
}

export const constant: Translator = (op) => {
  const float = op.attribute('value_float', 'float');
  const floats = op.attribute('value_floats', 'floats');
  const int = op.attribute('value_int', 'int');
  const ints = op.attribute('value_ints', 'ints');
  const tensor = op.attribute('value', 'tensor');
  if (tensor !== undefined) return { kind: 'constant', tensor };
  if (float !== undefined) return { kind: 'constant', tensor: float32s(Float32Array.of(float), []) };
  if (floats !== undefined)
    return { kind: 'constant', tensor: float32s(Float32Array.from(floats), [floats.length]) };
  if (int !== undefined) return { kind: 'constant', tensor: int64s([int], []) };
  if (ints !== undefined) return { kind: 'constant', tensor: int64s(ints) };
  throw op.unsupported('a value that is no number');
};

export const constantOfShape: Translator = (op) => {
  const shape = op.integers(0);
  const value = op.attribute('value', 'tensor');
  if (value !== undefined && product(value.shape) !== 1) throw op.unsupported('a value of several elements');
  const count = allowedCount(shape, op.budget);
  const one = value ?? float32s(new Float32Array(1), [1]);
  return { kind: 'constant', tensor: taken(one, new Int32Array(count), shape) };
};

export const identity: Translator = (op) => known(op, 0);

/** ONNX's numbers of the types that constants are cast to. */
type Make = (values: ArrayLike<number>) => Pick<OnnxTensor, 'dtype' | 'data'>;
const CASTS: ReadonlyMap<number, Make> = new Map<number, Make>([
  [1, (values) => ({ dtype: 'float32', data: Float32Array.from(values) })],
  [6, (values) => ({ dtype: 'int32', data: Int32Array.from(values, Math.trunc) })],
  [7, (values) => int64s(Array.from(values, Math.trunc))],
  [11, (values) => ({ dtype: 'float64', data: Float64Array.from(values) })],
]);

/** float16 and bfloat16 stand for float32 here, as everywhere. */
export const cast: Translator = (op) => {
  const term = known(op, 0);
  op.ignore('saturate');
  const to = op.int('to', 0);
  if (term.kind === 'sizes') {
    if (to !== 6 && to !== 7) throw op.unsupported(`sizes as type ${to}`);
    return term;
  }
  const { tensor } = term;
  const make = CASTS.get(to === 10 || to === 16 ? 1 : to);
  if (make === undefined) throw op.unsupported(`a cast to type ${to}`);
  const values = numbersOf(tensor);
  if (to === 7 && !Array.from(values).every(Number.isFinite))
    throw op.unsupported('integers of NaN or infinity');
  op.budget.take(values.length);
  return { kind: 'constant', tensor: { ...tensor, ...make(values) } as OnnxTensor };
};

export const reshape: Translator = (op) => {
  const term = known(op, 0);
  const from = shapeOf(term);
  const target = op.integers(1);
  const allowsZero = op.int('allowzero', 0) !== 0;
  const sizes = target.map((size, i) => (size === 0 && !allowsZero ? (from[i] ?? -2) : size));
  const rest = product(sizes.filter((size) => size !== -1));
  const shape = sizes.map((size) => (size === -1 ? product(from) / rest : size));
  const fits =
    sizes.filter((size) => size === -1).length <= 1 &&
    shape.every((size) => Number.isInteger(size) && size >= 0) &&
    product(shape) === product(from);
  if (!fits) throw op.unsupported(`[${from}] as [${target}]`);
  return viewed(term, shape);
};

export const flatten: Translator = (op) => {
  const term = known(op, 0);
  const shape = shapeOf(term);
  const given = op.int('axis', 1);
  const axis = given === shape.length ? given : axisOf(op, given, shape.length);
  return viewed(term, [product(shape.slice(0, axis)), product(shape.slice(axis))]);
};

const axesOf = (op: Operation) => (op.opset < 13 ? op.attribute('axes', 'ints') : op.optionalIntegers(1));

export const squeeze: Translator = (op) => {
  const term = known(op, 0);
  const shape = shapeOf(term);
  const axes = axesOf(op)?.map((axis) => axisOf(op, axis, shape.length));
  if (axes?.some((axis) => shape[axis] !== 1)) throw op.unsupported(`axes [${axes}] of [${shape}]`);
  return viewed(
    term,
    shape.filter((size, i) => (axes === undefined ? size !== 1 : !axes.includes(i))),
  );
};

export const unsqueeze: Translator = (op) => {
  const term = known(op, 0);
  const given = axesOf(op) ?? [];
  const rank = shapeOf(term).length + given.length;
  if (rank > 64) throw op.unsupported(`rank ${rank}`);
  const axes = given.map((axis) => axisOf(op, axis, rank));
  if (new Set(axes).size !== axes.length) throw op.unsupported(`axes [${given}]`);
  const rest = [...shapeOf(term)];
  return viewed(
    term,
    Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : rest.shift()!)),
  );
};

export const transpose: Translator = (op) => {
  const term = known(op, 0);
  const shape = shapeOf(term);
  const order = op.attribute('perm', 'ints') ?? shape.map((_, i) => shape.length - 1 - i);
  const isOrder = order.length === shape.length && shape.every((_, i) => order.includes(i));
  if (!isOrder) throw op.unsupported(`perm [${order}] of [${shape}]`);
  const result = order.map((axis) => shape[axis]!);
  const strides = stridesOf(shape);
  const along = order.map((axis) => strides[axis]!);
  return pick(op, term, walk(result, along, 0, op.budget), result);
};

export const gather: Translator = (op) => {
  const term = known(op, 0);
  const shape = shapeOf(term);
  const axis = axisOf(op, op.int('axis', 0), shape.length);
  const indices = op.integers(1);
  const size = shape[axis]!;
  const inner = product(shape.slice(axis + 1));
  const result = [...shape.slice(0, axis), ...op.constant(1).shape, ...shape.slice(axis + 1)];
  const positions = new Int32Array(allowedCount(result, op.budget));
  const wanted = indices.map((i) => (i < 0 ? i + size : i));
  if (wanted.some((i) => !(i >= 0 && i < size))) throw op.unsupported(`an index outside of size ${size}`);
  for (let i = 0; i < positions.length; i++) {
    const outer = Math.floor(i / (inner * wanted.length));
    const which = wanted[Math.floor(i / inner) % wanted.length]!;
    positions[i] = (outer * size + which) * inner + (i % inner);
  }
  return pick(op, term, positions, result);
};

/** Bounds are attributes before opset 10, then inputs. */
export const slice: Translator = (op) => {
  const term = known(op, 0);
  const shape = shapeOf(term);
  const isOld = op.opset < 10;
  const read = (i: number, name: string) => (isOld ? op.attribute(name, 'ints') : op.optionalIntegers(i));
  const [starts, ends] = [read(1, 'starts'), read(2, 'ends')];
  if (starts === undefined || ends === undefined) throw op.unsupported('no bounds');
  const axes = (read(3, 'axes') ?? starts.map((_, i) => i)).map((axis) => axisOf(op, axis, shape.length));
  const steps = (isOld ? undefined : op.optionalIntegers(4)) ?? starts.map(() => 1);
  const isWhole =
    [ends, axes, steps].every((list) => list.length === starts.length) && steps.every((step) => step !== 0);
  if (!isWhole || new Set(axes).size !== axes.length) throw op.unsupported('bounds that do not fit');
  const strides = stridesOf(shape);
  const result = [...shape];
  let start = 0;
  axes.forEach((axis, i) => {
    const [from, count] = sliced(shape[axis]!, starts[i]!, ends[i]!, steps[i]!);
    result[axis] = count;
    start += from * strides[axis]!;
    strides[axis] = strides[axis]! * steps[i]!;
  });
  return pick(op, term, walk(result, strides, start, op.budget), result);
};

/** First index and number of those from start to end. */
function sliced(size: number, start: number, end: number, step: number): [number, number] {
  const clamp = (i: number, low: number, high: number) => Math.min(Math.max(i < 0 ? i + size : i, low), high);
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const from = clamp(start, Math.max(low, 0), high);
  const to = clamp(end, low, high);
  return [from, Math.max(0, Math.ceil((to - from) / step))];
}

export const concat: Translator = (op) => {
  const parts = op.node.inputs.map((_, i) => known(op, i));
  const shapes = parts.map(shapeOf);
  const [first] = shapes;
  if (first === undefined || first.length === 0) throw op.unsupported('nothing to join');
  const axis = axisOf(op, op.int('axis', 0), first.length);
  const fits = shapes.every(
    (shape) => shape.length === first.length && shape.every((size, i) => i === axis || size === first[i]),
  );
  if (!fits) throw op.unsupported(`shapes ${shapes.map((shape) => `[${shape}]`).join(', ')}`);
  if (parts.some(({ kind }) => kind === 'sizes')) {
    const sizes = parts.flatMap((part) => (part.kind === 'sizes' ? part.sizes : [...numbersOf(part.tensor)]));
    return sizesOrConstant(sizes, [sizes.length]);
  }
  return { kind: 'constant', tensor: joined(op, parts as readonly ConstantTerm[], axis) };
};

function joined(op: Operation, parts: readonly ConstantTerm[], axis: number): OnnxTensor {
  const tensors = parts.map(({ tensor }) => tensor);
  const [first] = tensors as [OnnxTensor, ...OnnxTensor[]];
  if (tensors.some(({ dtype }) => dtype !== first.dtype)) throw op.unsupported('several element types');
  const size = tensors.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  const shape = first.shape.map((own, i) => (i === axis ? size : own));
  const count = allowedCount(shape, op.budget);
  const data = new (first.data.constructor as new (length: number) => OnnxTensor['data'])(count);
  const outer = product(shape.slice(0, axis));
  let at = 0;
  for (let row = 0; row < outer; row++) {
    for (const tensor of tensors) {
      const length = product(tensor.shape.slice(axis));
      for (let i = 0; i < length; i++) data[at++] = tensor.data[row * length + i]!;
    }
  }
  return { name: '', dtype: first.dtype, shape, data } as OnnxTensor;
}
