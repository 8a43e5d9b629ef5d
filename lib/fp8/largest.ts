import { expected } from '../errors';
import { MIN_SCALE } from '../quantization/affine';
import { findNonFinite } from '../quantization/float32';

/**
 * max|x| of each row. A row of zeros, or nearly (below 2^-100), takes the largest of the others, 1 if there is none.
 * Errors: ERR_ARGUMENT (NaN or Infinity).
 */
export function largestPerRow(name: string, x: Float32Array, rows: number): Float32Array {
  const invalid = findNonFinite(x);
  if (invalid !== undefined) throw expected('ERR_ARGUMENT', `finite numbers in ${name}`, invalid);
  const count = x.length / rows;
  const largest = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let max = 0;
    for (let k = row * count; k < (row + 1) * count; k++) {
      max = Math.max(max, Math.abs(x[k]!));
    }
    largest[row] = max;
  }
  const all = largest.reduce((a, b) => Math.max(a, b), 0);
  const fallback = all < MIN_SCALE ? 1 : all;
  return largest.map((max) => (max < MIN_SCALE ? fallback : max));
}
