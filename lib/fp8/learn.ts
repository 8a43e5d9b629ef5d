import { timersPromises } from '../builtins';
import type { JobOptions } from '../calibration/types';
import { expected } from '../errors';
import { roundHalfEven } from '../quantization/affine';
import { checkFloats, checkInteger } from '../runtime/checks';
import { cellOf, checkScaledFp8, type ScaledFp8 } from './cell';
import type { Density } from './densities';
import { stepSlope } from './gradients';

export interface LearnOptions extends JobOptions {
  /** Where the descent starts; M + E stays as it is. Default { mantissa: 4, exponent: 3 }, max the largest |x|. */
  start?: { mantissa: number; exponent: number; max?: number };
  /** Of gradient descent in each of the two phases. Default 300. */
  steps?: number;
}

export interface LearnedFormat extends ScaledFp8 {
  /** Mean squared error of the values with this format. */
  readonly mse: number;
  /** One entry a step: M is a real number in the first phase. */
  readonly history: readonly { mantissa: number; max: number; mse: number }[];
}

/** Values |x| and what each counts; weights add up to 1. */
interface Points {
  readonly magnitudes: Float64Array;
  readonly weights: Float64Array;
  readonly largest: number;
}

/** What the first phase looks at: a real M needs a logarithm and a power for each value. */
const FIRST_PHASE_POINTS = 2 ** 14;
/** A density is looked at in so many places; more values than that are put together with their neighbours. */
const MOST_POINTS = 2 ** 16;

/**
 * Learns the bits of mantissa and the largest value c of a float8 format by gradient descent on the mean squared error
 * of `values` (or of a density).
 *
 * First M is a real number, E = 7 − M with it, and M and c descend together; then M is rounded and c goes on alone,
 * from max|x|. The gradients are those of `gradients`, but where a value is normal its exponent p follows b (straight
 * through p = floor(log2|x| + b) as through rne): then ∂F/∂M = −ln2·(F − x) and ∂F/∂c = 0. With p held fixed as
 * in the paper, (F − x)·∂F/∂M = (F − x)²·ln2·(ln2·2^E − …) is never negative for E ≥ 1: M could only fall.
 *
 * Nothing is random: `seed` has no effect. Source: Kuzmin et al. 2022, section 4.
 * Errors: ERR_DTYPE, ERR_ARGUMENT (no value but 0, NaN or Infinity among them, options); an abort rejects with `signal.reason`.
 */
export async function learnFormat(
  values: Float32Array | Density,
  options: LearnOptions = {},
): Promise<LearnedFormat> {
  const { start = { mantissa: 4, exponent: 3 }, steps = 300, signal, onProgress } = options;
  checkInteger('steps', steps, 1, 2 ** 20);
  const points = 'pdf' in values ? pointsOf(values) : magnitudesOf(values);
  const { mantissa, exponent, max = points.largest } = start;
  checkScaledFp8({ mantissa, exponent, max });
  const bits = mantissa + exponent;
  const history: { mantissa: number; max: number; mse: number }[] = [];
  const report = async (): Promise<void> => {
    onProgress?.({ step: 'learn format', done: history.length, total: 2 * steps, loss: history.at(-1)!.mse });
    await timersPromises().setImmediate();
    signal?.throwIfAborted();
  };
  signal?.throwIfAborted();

  const descend = async (mantissaOf: () => number, gradient: () => Gradient, move: (g: Gradient) => void) => {
    for (let step = 0; step < steps; step++) {
      const [now, g] = [mantissaOf(), gradient()];
      history.push({ mantissa: now, max: c, mse: g.mse });
      move(g);
      await report();
    }
  };

  let c = max;
  let m = mantissa;
  const few = thinned(points);
  const [byM, byC] = [new Adam(steps), new Adam(steps)];
  await descend(
    () => m,
    () => realGradient(few, m, bits - m, c),
    (g) => {
      m = Math.min(Math.max(m - byM.step(g.mantissa), 0), bits - 1);
      c *= 1 - byC.step(g.max * c);
    },
  );

  // Nothing of the first phase but the rounded M goes on: its logarithms may differ by platform.
  const format = { mantissa: Math.round(m), exponent: bits - Math.round(m) };
  let best = { max: points.largest, mse: Infinity };
  c = points.largest;
  const alone = new Adam(steps);
  await descend(
    () => format.mantissa,
    () => maxGradient(points, { ...format, max: c }),
    (g) => {
      if (g.mse < best.mse) best = { max: Math.fround(c), mse: g.mse };
      c *= 1 - alone.step(g.max * c);
    },
  );
  return { ...format, ...best, history };
}

/** Mean squared error and its derivatives. */
interface Gradient {
  readonly mse: number;
  readonly mantissa: number;
  readonly max: number;
}

/** M and E real, by the formulas with p and b. */
function realGradient({ magnitudes, weights }: Points, M: number, E: number, c: number): Gradient {
  const b = 2 ** E - Math.log2(c) + Math.log2(2 - 2 ** -M) - 1;
  const slope = stepSlope({ mantissa: M, exponent: E });
  const sum = { mse: 0, mantissa: 0, max: 0 };
  for (let i = 0; i < magnitudes.length; i++) {
    const [x, weight] = [magnitudes[i]!, weights[i]!];
    if (x > c) {
      addClipped(sum, x - c, weight);
      continue;
    }
    const exponent = Math.log2(x) + b;
    const step = 2 ** (Math.max(Math.floor(exponent), 1) - M - b);
    const squared = weight * (step * roundHalfEven(x / step) - x) ** 2;
    sum.mse += squared;
    sum.mantissa += 2 * squared * (exponent >= 1 ? -Math.LN2 : slope);
    if (exponent < 1) sum.max += (2 * squared) / c;
  }
  return sum;
}

/** By c alone, on the format's own grid. */
function maxGradient({ magnitudes, weights }: Points, format: ScaledFp8): Gradient {
  const sum = { mse: 0, mantissa: 0, max: 0 };
  for (let i = 0; i < magnitudes.length; i++) {
    const [x, weight] = [magnitudes[i]!, weights[i]!];
    if (x > format.max) {
      addClipped(sum, x - format.max, weight);
      continue;
    }
    const { step, position, normal } = cellOf(x, format);
    const squared = weight * (step * (roundHalfEven(position) - position)) ** 2;
    sum.mse += squared;
    if (!normal) sum.max += (2 * squared) / format.max;
  }
  return sum;
}

function addClipped(sum: { mse: number; max: number }, beyond: number, weight: number): void {
  sum.mse += weight * beyond ** 2;
  sum.max -= 2 * weight * beyond;
}

/** Adam (Kingma & Ba 2015), its rate falling from .03 to .0003 in a line. */
class Adam {
  private mean = 0;
  private square = 0;
  private meanDecay = 1;
  private squareDecay = 1;
  private done = 0;

  constructor(private readonly steps: number) {}

  /** How far to go down. */
  step(gradient: number): number {
    this.mean = 0.9 * this.mean + 0.1 * gradient;
    this.square = 0.99 * this.square + 0.01 * gradient * gradient;
    this.meanDecay *= 0.9;
    this.squareDecay *= 0.99;
    const rate = 0.03 * (1 - (0.99 * this.done++) / this.steps);
    const size = Math.sqrt(this.square / (1 - this.squareDecay));
    return size === 0 ? 0 : (rate * this.mean) / (1 - this.meanDecay) / size;
  }
}

/** Zeros have no error on any grid. */
function magnitudesOf(values: Float32Array): Points {
  checkFloats('values', values);
  const magnitudes = Float64Array.from(values, Math.abs).filter((x) => x > 0);
  const largest = magnitudes.reduce((a, b) => Math.max(a, b), 0);
  if (magnitudes.length === 0 || largest === Infinity || values.some(Number.isNaN))
    throw expected('ERR_ARGUMENT', 'finite values, one other than 0 among them', values);
  if (magnitudes.length > MOST_POINTS) return merged(magnitudes, largest, values.length);
  return { magnitudes, weights: new Float64Array(magnitudes.length).fill(1 / values.length), largest };
}

/** The mean of each of MOST_POINTS equal pieces of [0, largest], with the share of the values in it. */
function merged(values: Float64Array, largest: number, count: number): Points {
  const magnitudes = new Float64Array(MOST_POINTS);
  const weights = new Float64Array(MOST_POINTS);
  for (const x of values) {
    const piece = Math.min(Math.floor((x / largest) * MOST_POINTS), MOST_POINTS - 1);
    magnitudes[piece]! += x;
    weights[piece]!++;
  }
  for (let i = 0; i < MOST_POINTS; i++) {
    if (weights[i]! > 0) magnitudes[i]! /= weights[i]!;
    weights[i]! /= count;
  }
  return { magnitudes, weights, largest };
}

/** The density at the middles of equal pieces of [0, its farthest end], both signs together. */
function pointsOf(density: Density): Points {
  const { pdf, min, max, massAtMin, massAtMax } = density;
  const largest = Math.max(Math.abs(min), Math.abs(max));
  const width = largest / MOST_POINTS;
  const inside = (x: number) => (x > min && x < max ? pdf(x) : 0);
  const magnitudes = Float64Array.from({ length: MOST_POINTS + 2 }, (_, i) => (i + 1 / 2) * width);
  const weights = magnitudes.map((x) => (inside(x) + inside(-x)) * width);
  magnitudes.set([Math.abs(min), Math.abs(max)], MOST_POINTS);
  weights.set([massAtMin, massAtMax], MOST_POINTS);
  return { magnitudes, weights, largest };
}

/** Every so many of the points. */
function thinned({ magnitudes, weights, largest }: Points): Points {
  const stride = Math.ceil(magnitudes.length / FIRST_PHASE_POINTS);
  const pick = (all: Float64Array) => all.filter((_, i) => i % stride === 0);
  return { magnitudes: pick(magnitudes), weights: pick(weights).map((w) => w * stride), largest };
}
