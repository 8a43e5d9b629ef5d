import { describe, expect, it } from 'vitest';
import { type Rounding, requantize } from '../../lib/kernels';
import { Seeded } from '../support/random';
import { requantizeExactly } from '../support/rounding';

/** `requantize` against exact arithmetic (test/support/rounding.ts), bit for bit. */

const ROUNDINGS: readonly Rounding[] = ['half-up', 'half-even', 'gemmlowp', 'float32'];
const DTYPES = ['int8', 'uint8'] as const;
const INT32_MAX = 2 ** 31 - 1;

interface Corpus {
  /** One column each. */
  readonly multiplier: Int32Array;
  readonly shift: Int32Array;
  /** [rows, columns] */
  readonly acc: Int32Array;
}

function compare(corpus: Corpus, rounding: Rounding, dtype: 'int8' | 'uint8', random: Seeded): void {
  const { multiplier, shift, acc } = corpus;
  const [low, high] = dtype === 'int8' ? [-128, 127] : [0, 255];
  const zeroPoint = random.integer(low, high);
  const clamped = random.uniform() < 0.5;
  const min = clamped ? random.integer(low, high) : low;
  const max = clamped ? random.integer(min, high) : high;
  const options = { multiplier, shift, zeroPoint, min, max, rounding };
  const codes =
    dtype === 'int8'
      ? requantize(acc, { ...options, dtype: 'int8' })
      : requantize(acc, { ...options, dtype: 'uint8' });
  const columns = multiplier.length;
  for (let i = 0; i < acc.length; i++) {
    const [m, s] = [multiplier[i % columns]!, shift[i % columns]!];
    const exact = requantizeExactly(rounding, acc[i]!, m, s, { zeroPoint, min, max });
    if (codes[i] !== exact) {
      expect.fail(
        `${rounding} ${dtype}: acc ${acc[i]} m ${m} s ${s} in [${min}, ${max}] + ${zeroPoint}: ${codes[i]}, exactly ${exact}`,
      );
    }
  }
}

/** Full-width and float32 multipliers, every shift; half of the accumulators land near a tie inside the code range. */
function randomCorpus(random: Seeded, columns: number, rows: number): Corpus {
  const multiplier = Int32Array.from({ length: columns }, () => {
    const m = random.integer(2 ** 30, INT32_MAX);
    return random.pick([m, m, m - (m % 128), 2 ** 30, INT32_MAX, 0]);
  });
  const shift = Int32Array.from({ length: columns }, () => random.integer(25, 63));
  const acc = Int32Array.from({ length: rows * columns }, (_, i) => {
    if (random.uniform() < 0.5)
      return random.integer(-(2 ** random.integer(0, 31)), 2 ** random.integer(0, 31) - 1);
    const m = multiplier[i % columns]! * 2 ** -shift[i % columns]!;
    const tie = Math.round((random.integer(-300, 300) + 0.5) / (m || 1)) + random.integer(-1, 1);
    return Math.min(Math.max(tie, -(2 ** 31)), INT32_MAX);
  });
  return { multiplier, shift, acc };
}

/** Short multipliers, that have exact ties, at every shift: n + ½ and one to each side, clamp edges, extremes. */
function tieCorpus(random: Seeded): Corpus {
  const short = [
    1 / 2,
    3 / 4,
    5 / 8,
    7 / 8,
    9 / 16,
    127 / 128,
    129 / 256,
    255 / 256,
    257 / 512,
    509 / 512,
    511 / 512,
  ];
  const pairs = short.flatMap((m) => Array.from({ length: 39 }, (_, i) => ({ m: m * 2 ** 31, s: 25 + i })));
  const rows = Array.from({ length: 160 }, (_, row) =>
    pairs.map(({ m, s }) => {
      const extreme = [-(2 ** 31), -(2 ** 31) + 1, INT32_MAX, INT32_MAX - 1, 0, 1, -1][row];
      if (extreme !== undefined) return extreme;
      const edge = row < 20 ? random.pick([-256, -129, -128, -1, 127, 128, 255]) : random.integer(-300, 300);
      // The odd multiples of the step where acc·M is a multiple of ½.
      const step = Math.max(1, 2 ** (s - 1) / (m & -m));
      const tie = Math.round((edge + 0.5) / (m * 2 ** -s) / step) * step;
      return Math.min(Math.max(tie + random.integer(-1, 1), -(2 ** 31)), INT32_MAX);
    }),
  );
  return {
    multiplier: Int32Array.from(pairs, ({ m }) => m),
    shift: Int32Array.from(pairs, ({ s }) => s),
    acc: Int32Array.from(rows.flat()),
  };
}

describe.each(ROUNDINGS)('%s', (rounding) => {
  it('is exact on 200,000 random accumulators, multipliers and shifts', () => {
    const random = new Seeded(1);
    for (const dtype of DTYPES) {
      for (let i = 0; i < 4; i++) compare(randomCorpus(random, 2048, 13), rounding, dtype, random);
    }
  });

  it('is exact on ties', () => {
    const random = new Seeded(2);
    for (const dtype of DTYPES) compare(tieCorpus(random), rounding, dtype, random);
  });

  it('is exact with one multiplier for all and any length', () => {
    const random = new Seeded(3);
    for (let length = 0; length < 70; length++) {
      const { multiplier, shift } = randomCorpus(random, 1, 1);
      compare(
        { multiplier, shift, acc: random.int32s(length, 2 ** 20) },
        rounding,
        random.pick(DTYPES),
        random,
      );
    }
    const { multiplier, shift } = { multiplier: Int32Array.of(3 * 2 ** 29), shift: Int32Array.of(40) };
    compare({ multiplier, shift, acc: random.int32s(9001, 2 ** 20) }, rounding, 'int8', random);
  });
});

it('the tie corpus tells the roundings apart', () => {
  const { multiplier, shift, acc } = tieCorpus(new Seeded(4));
  const codes = ROUNDINGS.map((rounding) =>
    requantize(acc, { multiplier, shift, rounding, dtype: 'int8' }).join(),
  );
  expect(new Set(codes.slice(0, 3)).size).toBe(3);
});
