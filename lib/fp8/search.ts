import { expected } from '../errors';
import { checkFloats, checkInteger, checkOptionKeys } from '../runtime/checks';
import { gridErrors } from '../runtime/float-grid';
import { formatInfo } from './format';
import { largestPerRow } from './largest';

/** Of `searchFormat`. */
export interface SearchFormatOptions {
  /** Channels, each with a largest number of its own: x is row-major [rows, x.length / rows]. Default 1. */
  rows?: number;
}

/** What `searchFormat` found. */
export interface FormatSearch {
  /** The format that most channels do best with; of equally many the one with the longer mantissa. */
  readonly mantissa: number;
  readonly exponent: number;
  /** Each channel's best largest number; for one of zeros the largest of the others, or 1. */
  readonly max: Float32Array;
  /** Mean squared error of each channel at that number. */
  readonly mse: Float64Array;
}

const MANTISSAS = [6, 5, 4, 3, 2, 1];
/** Largest numbers to try, in hundredths of max|x|: that itself first, which stays where others are no better. */
const PERCENTAGES = [100, ...Array.from({ length: 111 }, (_, i) => 10 + i)];

/**
 * The best 8-bit format and ranges for some values, by mean squared error: M = 1 … 6 with E = 7 − M, and for each 111
 * largest numbers c = (.1 … 1.2)·max|x|. Every channel chooses its best (M, c); the M of most is taken, and with it each
 * channel's best c. Sums in a fixed order: the same answer on every CPU.
 *
 * Source: Kuzmin et al., "FP8 Quantization: The Power of the Exponent" (2022).
 * Errors: ERR_DTYPE, ERR_SHAPE, ERR_ARGUMENT (NaN or Infinity).
 */
export function searchFormat(x: Float32Array, options: SearchFormatOptions = {}): FormatSearch {
  checkFloats('x', x);
  checkOptionKeys('options', options, ['rows']);
  const { rows = 1 } = options;
  checkInteger('rows', rows, 1, Number.MAX_SAFE_INTEGER);
  if (x.length % rows !== 0) throw expected('ERR_SHAPE', `x of whole channels, ${rows} of them`, x.length);
  const largest = largestPerRow('x', x, rows);
  const best = MANTISSAS.map((mantissa) => bestRanges(x, largest, mantissa));
  const winner = best[plurality(best, rows)]!;
  const count = x.length / rows;
  return {
    mantissa: winner.mantissa,
    exponent: 7 - winner.mantissa,
    max: winner.max,
    mse: winner.error.map((sum) => (count === 0 ? 0 : sum / count)),
  };
}

interface Ranges {
  readonly mantissa: number;
  readonly max: Float32Array;
  readonly error: Float64Array;
}

/** The best of the candidates for each channel. */
function bestRanges(x: Float32Array, largest: Float32Array, mantissa: number): Ranges {
  const info = formatInfo({ mantissa, exponent: 7 - mantissa });
  const error = new Float64Array(largest.length).fill(Number.POSITIVE_INFINITY);
  const max = largest.slice();
  const candidate = new Float32Array(largest.length);
  const errors = new Float64Array(largest.length);
  for (const percentage of PERCENTAGES) {
    largest.forEach((m, row) => {
      candidate[row] = rangeCandidate(m, percentage);
    });
    gridErrors(x, info, candidate, errors);
    errors.forEach((e, row) => {
      if (e >= error[row]!) return;
      error[row] = e;
      max[row] = candidate[row]!;
    });
  }
  return { mantissa, max, error };
}

/** Where that is a positive float32. */
function rangeCandidate(largest: number, percentage: number): number {
  const c = Math.fround((percentage / 100) * largest);
  return c > 0 && Number.isFinite(c) ? c : largest;
}

/** Which candidate most channels do best with; a channel that all suit alike, such as zeros, has no vote. */
function plurality(best: readonly Ranges[], rows: number): number {
  const votes = best.map(() => 0);
  for (let row = 0; row < rows; row++) {
    const errors = best.map(({ error }) => error[row]!);
    if (errors.some((e) => e !== errors[0])) votes[errors.indexOf(Math.min(...errors))]!++;
  }
  return votes.indexOf(Math.max(...votes));
}
