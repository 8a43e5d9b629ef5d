import { asymmetricParams } from '../quantization/affine';
import { Histogram, SIDE } from './histogram';
import { includeZero, type Range, type RangeObserver } from './range';

const QMIN = 0;
const QMAX = 255;
/** Most alternations between the two ends. */
const SWEEPS = 8;
/** A sweep that lowers the error by less than this part ends the search. */
const ENOUGH = 1e-6;

/**
 * The range with the smallest mean squared error of 8-bit asymmetric quantization, Σ(x − x̂)² over the data,
 * where x̂ is the grid point nearest to x: rounding error inside the range and clipping error beyond it together.
 *
 * min = a·(smallest value) and max = b·(largest), a and b in [2^−12, 1]: first a = b is searched, then b and a in
 * turn. Every candidate is judged on the very grid that `asymmetricParams` makes of it. Exact zeros have no error.
 */
export class MseObserver implements RangeObserver {
  readonly #histogram: Histogram;

  /** @param histogram of the data, where it has been observed already */
  constructor(histogram = new Histogram()) {
    this.#histogram = histogram;
  }

  observe(data: Float32Array): void {
    this.#histogram.observe(data);
  }

  range(): Range {
    const { min, max } = this.#histogram;
    const grid = new GridError(this.#histogram);
    const error = (a: number, b: number): number => grid.of(includeZero(a * min, b * max));

    let best = searchFactor(1, (f) => error(f, f));
    let a = best.factor;
    let b = best.factor;
    for (let sweep = 0, before = Infinity; sweep < SWEEPS && best.error < before * (1 - ENOUGH); sweep++) {
      before = best.error;
      best = searchFactor(b, (f) => error(a, f));
      b = best.factor;
      best = searchFactor(a, (f) => error(f, b));
      a = best.factor;
    }
    return includeZero(a * min, b * max);
  }
}

interface Found {
  readonly factor: number;
  readonly error: number;
}

/**
 * The factor in [2^−12, 1] with the smallest error: every 2^(−j/16), then steps of 2^(1/128) and 2^(1/1024) around the
 * best. The start wins ties, then the larger factor.
 */
function searchFactor(start: number, error: (factor: number) => number): Found {
  let factor = start;
  let least = error(start);
  const attempt = (f: number): void => {
    const e = error(f);
    if (e < least) {
      least = e;
      factor = f;
    }
  };
  for (let j = 0; j <= 12 * 16; j++) attempt(2 ** (-j / 16));
  for (const step of [128, 1024]) {
    const centre = Math.log2(factor);
    for (let j = 8; j >= -8; j--) attempt(2 ** Math.min(centre + j / step, 0));
  }
  return { factor, error: least };
}

/**
 * Σ(x − x̂)² over a histogram, values spread evenly inside a bin, in O(256) for any grid: with S0, S1, S2 the sums of
 * 1, x and x² over the values below a point, the cell around grid point g adds
 *
 *     ∫(x − g)² = ΔS2 − 2g·ΔS1 + g²·ΔS0
 *
 * Cells end halfway between grid points; the outermost ones reach to ±∞ and so count the clipping error.
 * x and g are measured in bin widths, the result too (squared).
 */
class GridError {
  readonly #histogram: Histogram;
  /** S0, S1, S2 of the whole bins before the index. */
  readonly #s0 = new Float64Array(2 * SIDE + 1);
  readonly #s1 = new Float64Array(2 * SIDE + 1);
  readonly #s2 = new Float64Array(2 * SIDE + 1);

  constructor(histogram: Histogram) {
    this.#histogram = histogram;
    for (let bin = 0; bin < 2 * SIDE; bin++) {
      const count = histogram.counts[bin]!;
      const left = bin - SIDE;
      this.#s0[bin + 1] = this.#s0[bin]! + count;
      this.#s1[bin + 1] = this.#s1[bin]! + count * (left + 1 / 2);
      this.#s2[bin + 1] = this.#s2[bin]! + count * (left * left + left + 1 / 3);
    }
  }

  of({ min, max }: Range): number {
    const { scale, zeroPoint } = asymmetricParams(min, max, QMIN, QMAX);
    const { counts, width } = this.#histogram;
    const step = scale / width;
    let error = 0;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    for (let q = QMIN; q <= QMAX; q++) {
      const g = (q - zeroPoint) * step;
      // The cell's right end, as a bin and the part t of that bin to the left of it.
      const end = q === QMAX ? SIDE : Math.min(Math.max(g + step / 2, -SIDE), SIDE);
      const left = Math.floor(end);
      const bin = left + SIDE;
      const t = end - left;
      const part = t > 0 ? counts[bin]! * t : 0;
      const e0 = this.#s0[bin]! + part;
      const e1 = this.#s1[bin]! + part * (left + t / 2);
      const e2 = this.#s2[bin]! + part * (left * left + left * t + (t * t) / 3);
      if (e0 > s0) error += e2 - s2 - 2 * g * (e1 - s1) + g * g * (e0 - s0);
      s0 = e0;
      s1 = e1;
      s2 = e2;
    }
    return error;
  }
}
