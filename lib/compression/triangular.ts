/**
 * The upper triangular U with A⁻¹ = UᵀU, for a symmetric positive definite A [n, n]: A = V·Vᵀ with V upper triangular
 * (Cholesky from the last row up), U = V⁻¹. Undefined where A is not positive definite. In float64, in a fixed order.
 *
 * `between` runs after each row: long factorizations let the event loop turn.
 */
export async function inverseFactor(
  a: Float64Array,
  n: number,
  between: () => Promise<void>,
): Promise<Float64Array | undefined> {
  const v = a.slice();
  for (let j = n - 1; j >= 0; j--) {
    const pivot = v[j * n + j]! - dot(v, j * n, j * n, j + 1, n);
    if (!(pivot > 0 && pivot < Infinity)) return undefined;
    const root = Math.sqrt(pivot);
    v[j * n + j] = root;
    for (let i = 0; i < j; i++) v[i * n + j] = (v[i * n + j]! - dot(v, i * n, j * n, j + 1, n)) / root;
    await between();
  }
  // Row i of U from the rows below it: V·U = I.
  const u = new Float64Array(n * n);
  for (let i = n - 1; i >= 0; i--) {
    const row = u.subarray(i * n, (i + 1) * n);
    row[i] = 1;
    for (let k = i + 1; k < n; k++) subtract(row, u, k * n, v[i * n + k]!, k, n);
    const pivot = v[i * n + i]!;
    for (let j = i; j < n; j++) row[j]! /= pivot;
    await between();
  }
  return u;
}

/**
 * Solves A·x = b for several b in their place, A [n, n] symmetric positive definite, given by its lower triangle, which
 * becomes L of A = L·Lᵀ. False where A is not positive definite. In float64, in a fixed order.
 */
export function choleskySolve(a: Float64Array, n: number, rightSides: readonly Float64Array[]): boolean {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) a[i * n + j] = (a[i * n + j]! - dot(a, i * n, j * n, 0, j)) / a[j * (n + 1)]!;
    const pivot = a[i * (n + 1)]! - dot(a, i * n, i * n, 0, i);
    if (!(pivot > 0 && pivot < Infinity)) return false;
    a[i * (n + 1)] = Math.sqrt(pivot);
  }
  for (const b of rightSides) {
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) b[i]! -= a[i * n + k]! * b[k]!;
      b[i]! /= a[i * (n + 1)]!;
    }
    for (let i = n - 1; i >= 0; i--) {
      b[i]! /= a[i * (n + 1)]!;
      for (let k = 0; k < i; k++) b[k]! -= a[i * n + k]! * b[i]!;
    }
  }
  return true;
}

/** Σ a[i + k]·a[j + k], k in [from, to) */
function dot(a: Float64Array, i: number, j: number, from: number, to: number): number {
  let sum = 0;
  for (let k = from; k < to; k++) sum += a[i + k]! * a[j + k]!;
  return sum;
}

/** row −= factor·u[start…] over columns [from, to) */
function subtract(
  row: Float64Array,
  u: Float64Array,
  start: number,
  factor: number,
  from: number,
  to: number,
): void {
  for (let j = from; j < to; j++) row[j]! -= factor * u[start + j]!;
}
