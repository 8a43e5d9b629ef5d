// Order statistics of plain arrays. Undefined where there is nothing to take them of.

export const sorted = (values) => Float64Array.from(values).sort();

/** Linear between the two nearest of sorted values. */
export function quantile(sortedValues, share) {
  if (sortedValues.length === 0) return undefined;
  const at = (sortedValues.length - 1) * share;
  const below = sortedValues[Math.floor(at)];
  return below + (sortedValues[Math.ceil(at)] - below) * (at % 1);
}

export const median = (values) => quantile(sorted(values), 0.5);

/** Median and quartiles. */
export function spread(values) {
  const list = sorted(values);
  if (list.length === 0) return undefined;
  return { median: quantile(list, 0.5), q1: quantile(list, 0.25), q3: quantile(list, 0.75) };
}

/** a[i] / b[i] over the turns in which both took part (the others hold undefined). */
export function ratioSpread(a, b) {
  const both = a.flatMap((x, i) => (x === undefined || b[i] === undefined ? [] : [x / b[i]]));
  return spread(both);
}
