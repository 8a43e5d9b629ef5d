import type { Job } from '../job';
import { choleskySolve } from '../triangular';
import { type Hessian, notPositive } from './hessian';

/** The order in which inputs leave, and what each costs: the rise of the loss, the weights that stay being made the best there are. */
export interface Elimination {
  /** Features (the constant is not one of them). */
  readonly order: Uint32Array;
  readonly losses: Float64Array;
}

/**
 * OBS: inputs leave for all of these rows of weights together, the cheapest one first, and those that stay make up for it.
 *
 *     L_q = Σ_rows w_q² / (2[H⁻¹]_qq),   δw = −(w_q/[H⁻¹]_qq)·H⁻¹e_q,   H⁻¹ −= H⁻¹e_q·e_qᵀH⁻¹ / [H⁻¹]_qq
 *
 * Inputs whose weights are all 0 already leave first. Everything is float64 in a fixed order.
 *
 * Source: Hassibi, Stork 1992, "Second order derivatives for network pruning: Optimal Brain Surgeon"; row by row as in
 * Frantar, Alistarh 2022, "Optimal Brain Compression".
 *
 * @param rows weights [n] of each output, that of the constant first where there is one; not changed
 * @param inverse H⁻¹, lower triangle; not changed
 * @throws {RequantError} ERR_ARGUMENT where H is numerically singular; signal.reason
 */
export async function eliminate(
  { n, fixed }: Hessian,
  inverse: Float64Array,
  rows: readonly Float64Array[],
  job: Job,
): Promise<Elimination> {
  const state: State = { a: inverse.slice(), n, w: rows.map((row) => row.slice()) };
  const place = Uint32Array.from({ length: n }, (_, i) => i);
  const order = new Uint32Array(n - fixed);
  const losses = new Float64Array(n - fixed);
  for (let active = n; active > fixed; active--) {
    const q = cheapest(state, fixed, active);
    const last = active - 1;
    exchange(state, q, last);
    [place[q], place[last]] = [place[last]!, place[q]!];
    const pivot = state.a[last * (n + 1)]!;
    if (!(pivot > 0)) throw notPositive();
    order[n - active] = place[last]! - fixed;
    losses[n - active] = squareSum(state, last) / (2 * pivot);
    remove(state, last, pivot);
    await job.yieldWhenDue();
  }
  return { order, losses };
}

/** What is left: the first inputs of `a` and of each row are the active ones. */
interface State {
  readonly a: Float64Array;
  readonly n: number;
  readonly w: readonly Float64Array[];
}

function cheapest({ a, n, w }: State, fixed: number, active: number): number {
  const squares = new Float64Array(active);
  for (const row of w) for (let i = fixed; i < active; i++) squares[i]! += row[i]! * row[i]!;
  let best = fixed;
  let least = Number.POSITIVE_INFINITY;
  for (let i = fixed; i < active; i++) {
    const loss = squares[i]! / a[i * (n + 1)]!;
    if (loss < least) [best, least] = [i, loss];
  }
  return best;
}

function squareSum({ w }: State, i: number): number {
  return w.reduce((sum, row) => sum + row[i]! * row[i]!, 0);
}

/** Inputs q ≤ last change places. */
function exchange({ a, n, w }: State, q: number, last: number): void {
  if (q === last) return;
  const swap = (i: number, j: number): void => {
    const other = a[i]!;
    a[i] = a[j]!;
    a[j] = other;
  };
  for (let j = 0; j < q; j++) swap(q * n + j, last * n + j);
  for (let i = q + 1; i < last; i++) swap(i * n + q, last * n + i);
  swap(q * (n + 1), last * (n + 1));
  for (const row of w) [row[q], row[last]] = [row[last]!, row[q]!];
}

/** The last input leaves; row `last` of the triangle is H⁻¹e_q. */
function remove({ a, n, w }: State, last: number, pivot: number): void {
  const column = last * n;
  for (let i = 0; i < last; i++) {
    const f = a[column + i]! / pivot;
    const row = i * n;
    if (f !== 0) for (let j = 0; j <= i; j++) a[row + j]! -= f * a[column + j]!;
  }
  for (const row of w) {
    const f = row[last]! / pivot;
    if (f !== 0) for (let i = 0; i < last; i++) row[i]! -= f * a[column + i]!;
  }
}

/**
 * Scores by which a prefix of every order is the cheapest choice among many: what the dearest one up to each feature costs.
 */
export function scoresOf({ order, losses }: Elimination): Float64Array {
  const scores = new Float64Array(order.length);
  let dearest = 0;
  order.forEach((feature, i) => {
    dearest = Math.max(dearest, losses[i]!);
    scores[feature] = dearest;
  });
  return scores;
}

/**
 * Rows of weights without the marked features, the others being the best there are: w'_S = w_S + H_SS⁻¹·H_SR·w_R.
 *
 * @throws {RequantError} ERR_ARGUMENT where H is numerically singular
 */
export function refitted(
  { n, fixed, h }: Hessian,
  rows: readonly Float64Array[],
  removed: Uint8Array,
): Float64Array[] {
  const all = Array.from({ length: n }, (_, i) => i);
  const left = all.filter((i) => i >= fixed && removed[i - fixed]);
  const kept = all.filter((i) => i < fixed || !removed[i - fixed]);
  const size = kept.length;
  const block = new Float64Array(size * size);
  kept.forEach((i, a) => {
    for (let b = 0; b <= a; b++) block[a * size + b] = h[i * n + kept[b]!]!;
  });
  const sums = rows.map((row) =>
    Float64Array.from(kept, (i) => left.reduce((sum, j) => sum + h[i * n + j]! * row[j]!, 0)),
  );
  if (!choleskySolve(block, size, sums)) throw notPositive();
  return rows.map((row, r) => {
    const fitted = new Float64Array(n);
    kept.forEach((i, a) => {
      fitted[i] = row[i]! + sums[r]![a]!;
    });
    return fitted;
  });
}
