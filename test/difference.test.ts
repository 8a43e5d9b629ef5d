import { describe, expect, it } from 'vitest';
import { argmax, ClassAgreement, Difference } from '../lib/difference';

const of = (...values: number[]) => Float32Array.from(values);

describe('Difference', () => {
  it('adds up over batches', () => {
    const difference = new Difference();
    difference.add(of(1, 2), of(1, 4));
    difference.add(of(-3), of(0));
    expect(difference.result()).toEqual({
      maxAbs: 3,
      meanAbs: 5 / 3,
      sqnrDb: 10 * Math.log10(17 / 13),
      cosine: 9 / Math.sqrt(17 * 14),
      equalPercent: 100 / 3,
    });
  });

  it('of equal numbers: no noise, all bits', () => {
    const difference = new Difference();
    difference.add(of(1, -2), of(1, -2));
    expect(difference.result()).toMatchObject({
      maxAbs: 0,
      sqnrDb: Number.POSITIVE_INFINITY,
      equalPercent: 100,
    });
    expect(difference.result().cosine).toBeCloseTo(1, 12);
  });

  it('of zeros: the same direction; the sign of a zero is a bit', () => {
    const difference = new Difference();
    difference.add(of(0, -0), of(0, 0));
    expect(difference.result()).toMatchObject({ maxAbs: 0, cosine: 1, equalPercent: 50 });
  });
});

describe('ClassAgreement', () => {
  it('counts rows of another argmax', () => {
    const agreement = new ClassAgreement(2);
    agreement.add(of(1, 2, 3, 0, 5, 5), of(2, 1, 3, 0, 5, 4));
    expect(agreement.result()).toEqual({ changedRows: 1, agreementPercent: (100 * 2) / 3 });
  });

  it('has none with one output', () => {
    const agreement = new ClassAgreement(1);
    agreement.add(of(1), of(2));
    expect(agreement.result()).toEqual({ changedRows: null, agreementPercent: null });
  });
});

describe('argmax', () => {
  it('of equal numbers the first', () => expect(argmax(of(9, 1, 3, 3), 1, 3)).toBe(1));
});
