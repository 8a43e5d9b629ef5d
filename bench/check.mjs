// No meaningless opponent is timed: before a cell is measured, all contenders must compute the same thing.

/** Shares of the output's range. Float peers differ by the order of their sums; int8 ones by rounding in each layer. */
export const LIMITS = { float32: 1e-4, int8: 0.05 };
/** Rows that the reference below works out. */
const REFERENCE_ROWS = 4;

/** Largest difference; Infinity where lengths differ or a value is NaN. */
export function largestError(expected, actual) {
  if (expected.length !== actual.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, difference);
  }
  return largest;
}

/** The first rows in float64, by the plainest of loops. */
export function reference(layers, rows) {
  let x = Float64Array.from(rows.subarray(0, REFERENCE_ROWS * layers[0].inFeatures));
  layers.forEach(({ weight, bias, inFeatures, outFeatures }, i) => {
    const y = new Float64Array((x.length / inFeatures) * outFeatures);
    for (let at = 0; at < y.length; at++) {
      const row = Math.floor(at / outFeatures);
      const n = at % outFeatures;
      let sum = bias[n];
      for (let k = 0; k < inFeatures; k++) sum += x[row * inFeatures + k] * weight[n * inFeatures + k];
      y[at] = i < layers.length - 1 ? Math.max(sum, 0) : sum;
    }
    x = y;
  });
  return x;
}

/**
 * Errors of the contenders, in order, as shares of the output's range: own float32 against the reference, all others
 * against own float32.
 */
export async function checkContenders(contenders, { layers, outputRange }, { rows }) {
  const own = contenders.find(({ name }) => name === 'float32');
  own.call();
  const truth = own.result().slice();
  const few = reference(layers, rows);
  const errors = [];
  for (const contender of contenders) {
    const { name, form, arithmetic } = contender;
    await contender.call();
    const result = await contender.result();
    const difference =
      contender === own ? largestError(few, result.subarray(0, few.length)) : largestError(truth, result);
    const error = difference / outputRange;
    if (!(error <= LIMITS[arithmetic])) {
      const who = form === undefined ? name : `${name} (${form})`;
      throw new Error(
        `expected ${who} within ${LIMITS[arithmetic]} of the output's range but it is off by ${error}`,
      );
    }
    errors.push(error);
  }
  return errors;
}
