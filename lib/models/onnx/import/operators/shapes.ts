import type { Operation, Translator } from '../operation';
import { BATCH, product, type Size, type Term, type ValueTerm } from '../terms';
import { rowAxis } from './rows';

/** Other shapes of the same rows: the batch stays in front, and each row keeps its features in order. */

export const reshape: Translator = (op) => {
  const x = op.value(0);
  return reshaped(op, x, op.sizes(1).sizes, op.int('allowzero', 0) !== 0);
};

/** 0 copies a size, unless `allowsZero`; −1 is what is left over. */
function reshaped(op: Operation, x: ValueTerm, target: readonly Size[], allowsZero: boolean): ValueTerm {
  const wrong = () => op.unsupported(`[batch, ${x.sizes}] as [${target}]`);
  const [rows, ...rest] = target;
  const keepsRows =
    rows === BATCH || rows === -1 || (rows === 0 && !allowsZero) || rows === op.scope.fixedBatch;
  if (rows === undefined || !keepsRows) throw wrong();
  const sizes = rest.map((size, i) => (size === 0 && !allowsZero ? x.sizes[i] : size));
  const features = product(x.sizes);
  const known = sizes.map((size) => (size === -1 ? 1 : size));
  if (!known.every((size) => typeof size === 'number' && size >= 1)) throw wrong();
  const left = features / product(known as number[]);
  const free = sizes.filter((size) => size === -1).length;
  // With −1 for the rows as well, it would be the rows that change.
  const fits = free === 0 ? left === 1 : free === 1 && rows !== -1 && Number.isInteger(left);
  if (!fits) throw wrong();
  return { ...x, sizes: sizes.map((size) => (size === -1 ? left : (size as number))) };
}

export const flatten: Translator = (op) => {
  const x = op.value(0);
  const rank = x.sizes.length + 1;
  const given = op.int('axis', 1);
  const axis = given < 0 ? given + rank : given;
  const features = product(x.sizes);
  const before = product(x.sizes.slice(0, Math.max(axis - 1, 0)));
  if (axis < 1 || before !== 1) throw op.unsupported(`axis ${given} of [batch, ${x.sizes}]`);
  return { ...x, sizes: [features] };
};

/** Axes are an attribute before opset 13, then an input. */
function axesOf(op: Operation): readonly number[] | undefined {
  return op.opset < 13 ? op.attribute('axes', 'ints') : op.optionalIntegers(1);
}

export const squeeze: Translator = (op) => {
  const x = op.value(0);
  const axes = axesOf(op);
  if (axes === undefined && op.scope.fixedBatch === 1) throw op.unsupported('no axes: the batch of 1 is one');
  const dropped = axes?.map((axis) => rowAxis(op, x, axis) - 1);
  if (dropped?.some((i) => x.sizes[i] !== 1)) throw op.unsupported(`axes [${axes}] of [batch, ${x.sizes}]`);
  const sizes = x.sizes.filter((size, i) => (dropped === undefined ? size !== 1 : !dropped.includes(i)));
  return { ...x, sizes };
};

export const unsqueeze: Translator = (op) => {
  const x = op.value(0);
  const axes = axesOf(op);
  if (axes === undefined) throw op.unsupported('no axes');
  const rank = x.sizes.length + 1 + axes.length;
  const positive = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  const isFine =
    rank <= 64 &&
    new Set(positive).size === axes.length &&
    positive.every((axis) => axis >= 1 && axis < rank);
  if (!isFine) throw op.unsupported(`axes [${axes}] of [batch, ${x.sizes}]`);
  const rest = [...x.sizes];
  const sizes = Array.from({ length: rank - 1 }, (_, i) => (positive.includes(i + 1) ? 1 : rest.shift()!));
  return { ...x, sizes };
};

/** Where only sizes of 1 change their places. */
export const transpose: Translator = (op) => {
  const x = op.value(0);
  const rank = x.sizes.length + 1;
  const order = op.attribute('perm', 'ints') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  const isOrder =
    order.length === rank && new Set(order).size === rank && order.every((axis) => axis >= 0 && axis < rank);
  const real = order.filter((axis) => axis > 0 && x.sizes[axis - 1] !== 1);
  const keeps = isOrder && order[0] === 0 && real.every((axis, i) => i === 0 || axis > real[i - 1]!);
  if (!keeps) throw op.unsupported(`perm [${order}] of [batch, ${x.sizes}]`);
  return { ...x, sizes: order.slice(1).map((axis) => x.sizes[axis - 1]!) };
};

/** The sizes of a value; from opset 15 on a part of them. */
export const shape: Translator = (op): Term => {
  const x = op.value(0);
  const all: Size[] = [BATCH, ...x.sizes];
  const [start, end] = op.opset < 15 ? [0, all.length] : [op.int('start', 0), op.int('end', all.length)];
  const sizes = all.slice(start, end);
  return { kind: 'sizes', shape: [sizes.length], sizes };
};
