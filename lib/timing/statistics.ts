/** Order statistics of plain arrays. Undefined where there is nothing to take them of. */

export function sorted(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort();
}

/** Linear between the two nearest of sorted values. */
export function quantile(sortedValues: Float64Array, share: number): number | undefined {
  if (sortedValues.length === 0) return undefined;
  const at = (sortedValues.length - 1) * share;
  const below = sortedValues[Math.floor(at)]!;
  return below + (sortedValues[Math.ceil(at)]! - below) * (at % 1);
}

export function median(values: ArrayLike<number>): number | undefined {
  return quantile(sorted(values), 0.5);
}

/** Median and quartiles. */
export interface Spread {
  readonly median: number;
  readonly q1: number;
  readonly q3: number;
}

export function spread(values: ArrayLike<number>): Spread | undefined {
  const list = sorted(values);
  if (list.length === 0) return undefined;
  const [q1, middle, q3] = [0.25, 0.5, 0.75].map((share) => quantile(list, share)!);
  return { median: middle!, q1: q1!, q3: q3! };
}

/** a[i] / b[i] over the turns in which both took part (the others hold undefined). */
export function ratioSpread(
  a: readonly (number | undefined)[],
  b: readonly (number | undefined)[],
): Spread | undefined {
  return spread(
    a.flatMap((x, i) => {
      const y = b[i];
      return x === undefined || y === undefined ? [] : [x / y];
    }),
  );
}
