import { Histogram, SIDE } from './histogram';
import { includeZero, type Range, type RangeObserver } from './range';

/** Codes of the grid that the data will be quantized to. */
const LEVELS = 256;
/** Positions tried on each search of one end. */
const CANDIDATES = 512;
/** Most alternations between the two ends; they settle in two or three. */
const SWEEPS = 8;
/** Values that the quantized histogram is given where it has none and the data has some, so that the logarithm exists. */
const EMPTY = 1e-4;

/**
 * The range whose 256-level histogram tells least apart from the data's own (after Migacz, "8-bit inference with
 * TensorRT", GTC 2017, for a grid with a zero point). For a candidate that keeps n bins:
 *
 *     P = counts of the kept bins, clipped values added to the outermost bin of their side
 *     Q = kept counts alone, summed in 256 equal runs of bins, each sum spread evenly over the run's bins with P > 0
 *     KL(P ‖ Q) = Σ p·ln(p/q),  p = P/ΣP, q = Q/ΣQ        smallest wins, the wider range on a tie
 *
 * Both ends are searched: shrunk together, then in turn. Data of one sign has its other end at 0. Exact zeros are left
 * out: they have no error on any grid. A candidate keeps at least 256 bins (fewer would quantize nothing), so a range
 * cannot shrink below 1/16 to 1/64 of the data's.
 */
export class EntropyObserver implements RangeObserver {
  readonly #histogram: Histogram;

  /** @param histogram of the data, where it has been observed already */
  constructor(histogram = new Histogram()) {
    this.#histogram = histogram;
  }

  observe(data: Float32Array): void {
    this.#histogram.observe(data);
  }

  range(): Range {
    const h = this.#histogram;
    const below = h.min < 0 ? Math.floor(-h.min / h.width) + 1 : 0;
    const above = h.max > 0 ? Math.floor(h.max / h.width) + 1 : 0;
    const kept = search(new KlDivergence(h.counts), below, above);
    return includeZero(
      kept.below < below ? -kept.below * h.width : h.min,
      kept.above < above ? kept.above * h.width : h.max,
    );
  }
}

/** Kept bins on each side of 0. */
interface Kept {
  below: number;
  above: number;
}

function search(divergence: KlDivergence, below: number, above: number): Kept {
  const best: Kept = { below, above };
  if (below + above <= LEVELS) return best;
  let least = divergence.of(below, above);
  const attempt = (b: number, a: number): void => {
    if (b + a < LEVELS) return;
    const kl = divergence.of(b, a);
    if (kl < least) {
      least = kl;
      best.below = b;
      best.above = a;
    }
  };
  // Every list runs from the widest range down, so that a tie keeps the wider one.
  for (let i = CANDIDATES - 1; i > 0; i--) {
    attempt(Math.ceil((below * i) / CANDIDATES), Math.ceil((above * i) / CANDIDATES));
  }
  for (let sweep = 0, before = Infinity; sweep < SWEEPS && least < before; sweep++) {
    before = least;
    for (let i = CANDIDATES; i > 0; i--) attempt(best.below, Math.ceil((above * i) / CANDIDATES));
    for (let i = CANDIDATES; i > 0; i--) attempt(Math.ceil((below * i) / CANDIDATES), best.above);
  }
  return best;
}

/**
 * KL(P ‖ Q) of a candidate in O(LEVELS), from running sums over the bins. With counts, N = ΣP and K = ΣQ:
 *
 *     KL = (Σ P·ln P − Σ P·ln Q)/N − ln N + ln K
 *
 * and Q is one number on each run: (sum of the run)/(number of its bins with P > 0).
 */
class KlDivergence {
  /** Sums over the bins before the index: counts, bins in use, count·ln(count). */
  readonly #sum: Float64Array;
  readonly #used: Float64Array;
  readonly #entropy: Float64Array;

  constructor(readonly counts: Float64Array) {
    const size = counts.length + 1;
    this.#sum = new Float64Array(size);
    this.#used = new Float64Array(size);
    this.#entropy = new Float64Array(size);
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i]!;
      this.#sum[i + 1] = this.#sum[i]! + count;
      this.#used[i + 1] = this.#used[i]! + Number(count > 0);
      this.#entropy[i + 1] = this.#entropy[i]! + xLogX(count);
    }
  }

  of(below: number, above: number): number {
    const first = SIDE - below;
    const end = SIDE + above;
    const bins = end - first;
    const clippedLow = this.#sum[first]!;
    const clippedHigh = this.#sum[this.#sum.length - 1]! - this.#sum[end]!;
    const total = this.#sum[this.#sum.length - 1]!;
    const kept = total - clippedLow - clippedHigh;
    if (kept === 0) return Infinity;
    const firstCount = this.counts[first]!;
    const lastCount = this.counts[end - 1]!;

    let logP = this.#entropy[end]! - this.#entropy[first]!;
    logP += xLogX(firstCount + clippedLow) - xLogX(firstCount);
    logP += xLogX(lastCount + clippedHigh) - xLogX(lastCount);

    let logQ = 0;
    for (let level = 0, from = first; level < LEVELS; level++) {
      const to = first + Math.floor(((level + 1) * bins) / LEVELS);
      const inside = this.#sum[to]! - this.#sum[from]!;
      let mass = inside;
      let used = this.#used[to]! - this.#used[from]!;
      if (level === 0 && clippedLow > 0) {
        mass += clippedLow;
        used += Number(firstCount === 0);
      }
      if (level === LEVELS - 1 && clippedHigh > 0) {
        mass += clippedHigh;
        used += Number(lastCount === 0);
      }
      if (mass > 0) logQ += mass * Math.log(inside > 0 ? inside / used : EMPTY);
      from = to;
    }
    return (logP - logQ) / total + Math.log(kept / total);
  }
}

function xLogX(x: number): number {
  return x > 0 ? x * Math.log(x) : 0;
}
