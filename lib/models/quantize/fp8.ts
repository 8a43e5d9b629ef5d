/** The float8 grids of a model: of its weights, and of what flows into its float8 layers. */
import type { Calibration } from '../../calibration/types';
import { expected } from '../../errors';
import {
  denominatorFor,
  encodeRows,
  type Fp8Grid,
  type Fp8Weights,
  gridOfRows,
  gridWith,
} from '../../fp8/grid';
import { searchFormat } from '../../fp8/search';
import type { Fp8Choice } from '../fp8-choice';
import type { Graph } from '../graph';
import { Observer } from '../observer';
import { calibratedRange } from './grids';

export interface Fp8WeightSettings {
  readonly choice: Fp8Choice;
  /** Scales or largest numbers chosen beforehand. */
  readonly scale: Float32Array | undefined;
  readonly perTensor: boolean;
}

/**
 * Weights rounded to their grid: the wished scales, the format's `max`, or max|w| of each output feature (or of all).
 * 'fp8-search': the format and the largest numbers of the smallest squared error.
 */
export function fp8Weights(
  name: string,
  weight: Float32Array,
  outFeatures: number,
  { choice, scale, perTensor }: Fp8WeightSettings,
): Fp8Weights {
  const rows = perTensor ? 1 : outFeatures;
  const grid = weightGrid(name, weight, rows, choice, scale);
  return { ...grid, data: encodeRows(weight, grid) };
}

function weightGrid(
  name: string,
  weight: Float32Array,
  rows: number,
  choice: Fp8Choice,
  scale: Float32Array | undefined,
): Fp8Grid {
  if (choice === 'fp8-search') return searchedGrid(weight, rows);
  if (scale !== undefined) return gridWith(choice, scale);
  if (typeof choice === 'object' && choice.max !== undefined)
    return gridWith(choice, Float32Array.of(denominatorFor(choice, choice.max)));
  return gridOfRows(`weights of '${name}'`, weight, rows, choice);
}

function searchedGrid(x: Float32Array, rows: number): Fp8Grid {
  const { mantissa, exponent, max } = searchFormat(x, { rows });
  const format = { mantissa, exponent };
  return gridWith(
    format,
    max.map((largest) => denominatorFor(format, largest)),
  );
}

/** Grids of values, one scale or largest number each: from the calibrated range, or searched on the kept rows. */
export class Fp8Values {
  private kept: ReadonlyMap<string, Float32Array> | undefined;

  /** `searched`: the values that a search will be asked for. */
  constructor(
    private readonly graph: Graph,
    private readonly calibration: Calibration | null,
    private readonly searched: ReadonlySet<string>,
  ) {}

  /** Around 0, to the larger end of the range. Errors: ERR_ARGUMENT (no range, or no kept rows). */
  grid(name: string, choice: Fp8Choice): Fp8Grid {
    if (choice === 'fp8-search') return searchedGrid(this.keptValues(name), 1);
    const { min, max } = calibratedRange(this.calibration, name);
    const largest = Math.max(Math.abs(min), Math.abs(max));
    // A value that was always 0: any grid holds it.
    return gridWith(choice, Float32Array.of(denominatorFor(choice, largest || 1)));
  }

  private keptValues(name: string): Float32Array {
    this.kept ??= this.observe();
    return this.kept.get(name)!;
  }

  /** Runs the kept rows through the float model. ±Infinity is left out, as in ranges. */
  private observe(): ReadonlyMap<string, Float32Array> {
    const { kept } = this.calibration ?? {};
    const { features } = this.graph.values.get(this.graph.input)!;
    if (kept === undefined || kept.length === 0 || kept.length % features !== 0)
      throw expected(
        'ERR_ARGUMENT',
        "a calibration that kept rows (keepRows) for format: 'fp8-search'",
        'one without rows',
      );
    const values = new Map<string, Float32Array>();
    const observer = new Observer(this.graph, { nanIsZero: false });
    try {
      observer.observe(kept, (name, data) => {
        if (this.searched.has(name)) values.set(name, data.filter(Number.isFinite));
      });
    } finally {
      observer.release();
    }
    return values;
  }
}
