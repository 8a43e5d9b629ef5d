import { RequantError } from '../../../errors';
import { isSize } from '../../../formats/sizes';
import type { Budget } from './budget';
import { countOf } from './constants';

/** Where each element of a result stands in its source: a walk over `shape` with these strides. */
export function walk(
  shape: readonly number[],
  strides: readonly number[],
  start: number,
  budget: Budget,
): Int32Array {
  const count = allowedCount(shape, budget);
  const positions = new Int32Array(count);
  const index = shape.map(() => 0);
  let position = start;
  for (let i = 0; i < count; i++) {
    positions[i] = position;
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d]!++;
      position += strides[d]!;
      if (index[d]! < shape[d]!) break;
      position -= shape[d]! * strides[d]!;
      index[d] = 0;
    }
  }
  return positions;
}

/** Errors: ERR_LIMIT. */
export function allowedCount(shape: readonly number[], budget: Budget): number {
  const count = countOf(shape);
  if (count === undefined || !shape.every(isSize))
    throw new RequantError(
      'ERR_LIMIT',
      `expected a constant of sizes that memory has but received shape [${shape}]`,
    );
  budget.take(count);
  return count;
}

/** Elements to the next index of each dimension, row-major. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let d = shape.length - 2; d >= 0; d--) strides[d] = strides[d + 1]! * shape[d + 1]!;
  return strides;
}
