/** Outputs of a block: four beside each other, of one input (docs/pruning.md, native/gemm/packed_sparse.h). */
export const BLOCK_HEIGHT = 4;

/**
 * How the weights of a layer [outFeatures, inFeatures] are cut into units that leave together: unit g·inFeatures + k holds the
 * outputs g·height … of input k; the last g may have fewer.
 */
export interface UnitGrid {
  readonly height: number;
  readonly outFeatures: number;
  readonly inFeatures: number;
}

/** Stretches of outputs. */
export function groupCount({ height, outFeatures }: UnitGrid): number {
  return Math.ceil(outFeatures / height);
}

export function unitCount(grid: UnitGrid): number {
  return groupCount(grid) * grid.inFeatures;
}

/** The outputs of group g. */
export function groupRows({ height, outFeatures }: UnitGrid, g: number): { first: number; end: number } {
  return { first: g * height, end: Math.min((g + 1) * height, outFeatures) };
}

/** The sum over each unit's weights. */
export function unitSums(grid: UnitGrid, ofWeights: Float64Array): Float64Array {
  const { height, outFeatures, inFeatures } = grid;
  const sums = new Float64Array(unitCount(grid));
  for (let n = 0; n < outFeatures; n++) {
    const unit = Math.floor(n / height) * inFeatures;
    for (let k = 0; k < inFeatures; k++) sums[unit + k]! += ofWeights[n * inFeatures + k]!;
  }
  return sums;
}

/** The weights with those of the marked units set to 0. */
export function withoutUnits(grid: UnitGrid, weight: Float32Array, removed: Uint8Array): Float32Array {
  const { height, inFeatures } = grid;
  return weight.map((w, i) => {
    const n = Math.floor(i / inFeatures);
    return removed[Math.floor(n / height) * inFeatures + (i % inFeatures)] ? 0 : w;
  });
}

/** The share of the units that hold nothing but zeros. */
export function zeroShare(grid: UnitGrid, weight: Float32Array | Int8Array | Uint8Array): number {
  const { height, outFeatures, inFeatures } = grid;
  const live = new Uint8Array(unitCount(grid));
  for (let n = 0; n < outFeatures; n++) {
    const unit = Math.floor(n / height) * inFeatures;
    for (let k = 0; k < inFeatures; k++) if (weight[n * inFeatures + k] !== 0) live[unit + k] = 1;
  }
  return 1 - live.reduce((sum, one) => sum + one, 0) / live.length;
}
