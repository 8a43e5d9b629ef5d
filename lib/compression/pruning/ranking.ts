import { expected } from '../../errors';

/**
 * Marks the `count` smallest scores of all lists, equal ones in order; each list keeps its largest one at least.
 *
 * Errors: ERR_ARGUMENT where a score is not finite.
 */
export function marked(lists: readonly Float64Array[], count: number): Uint8Array[] {
  const keys = lists.map(withoutLargest);
  const most = lists.reduce((sum, { length }) => sum + Math.max(length - 1, 0), 0);
  const chosen = Math.min(count, most);
  const marks = lists.map(({ length }) => new Uint8Array(length));
  if (chosen <= 0) return marks;
  const threshold = joined(keys).sort()[chosen - 1]!;
  let left = chosen;
  for (const [i, list] of keys.entries())
    list.forEach((key, unit) => {
      if (key < threshold) [marks[i]![unit], left] = [1, left - 1];
    });
  for (const [i, list] of keys.entries())
    list.forEach((key, unit) => {
      if (key === threshold && left > 0) [marks[i]![unit], left] = [1, left - 1];
    });
  return marks;
}

function withoutLargest(scores: Float64Array): Float64Array {
  const keys = scores.slice();
  let largest = 0;
  scores.forEach((score, unit) => {
    if (!Number.isFinite(score))
      throw expected('ERR_ARGUMENT', 'finite weights, inputs and gradients', score);
    if (score > scores[largest]!) largest = unit;
  });
  if (keys.length > 0) keys[largest] = Number.POSITIVE_INFINITY;
  return keys;
}

function joined(lists: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(lists.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const list of lists) {
    all.set(list, offset);
    offset += list.length;
  }
  return all;
}
