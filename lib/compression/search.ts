import type { Calibration, JobOptions, Observer } from '../calibration/types';
import { expected } from '../errors';
import type { Mode } from '../layers/layer';
import { calibrate } from '../models/calibrate';
import type { MLP } from '../models/mlp';
import { type QuantizeOptions, quantize } from '../models/quantize';
import { MODES } from '../models/wish';
import { checkFloats } from '../runtime/checks';
import { type Candidate, candidatesFor } from './candidates';
import { checkJobOptions, Job } from './job';
import { type Prepared, prepare } from './pipeline';
import { checkFloatModel, rebuilt } from './rebuild';
import { Judge, type Score, type ScoreData } from './score';

export interface SearchOptions extends JobOptions {
  /** Most percentage points that may be lost: of accuracy where `data` has labels, else of agreement (rows with the same argmax). Default 0.5. */
  maxDrop?: number;
  /** Seconds to try candidates in; the first is tried in any case. Default 60. */
  budget?: number;
  /** Rows to judge on, better not those calibrated on. Default the calibration rows. */
  data?: ScoreData;
  /** Arithmetic that may be chosen. Default all. */
  modes?: readonly Mode[];
  /** Options that all candidates have, where they do not choose them: rounding, activations, inputs, output, layers. */
  quantize?: QuantizeOptions;
}

/** How one candidate did. Percent and percentage points. Where `error` says why it failed, the other figures mean nothing. */
export interface MethodResult {
  readonly name: string;
  readonly accuracy?: number;
  readonly drop?: number;
  readonly agreement?: number;
  readonly sqnrDb: number;
  /** Of the model file. */
  readonly bytes: number;
  /** To make the model. */
  readonly milliseconds: number;
  readonly error?: string;
}

/** The best candidate, as `quantize(model, calibration, options)` takes it, and all that were tried. */
export interface SearchResult extends Prepared {
  readonly options: QuantizeOptions;
  readonly name: string;
  /** Whether it keeps to `maxDrop`; false: none did, and it is the one with the smallest drop. */
  readonly met: boolean;
  /** In the order in which they were tried. */
  readonly results: readonly MethodResult[];
  /** Candidates for which there was no time. */
  readonly untried: number;
}

interface Tried extends Prepared {
  readonly candidate: Candidate;
  readonly result: MethodResult;
}

export const DEFAULT_MAX_DROP = 0.5;
/** Files whose sizes differ by less than this factor count as equally small: records differ in length. */
const SAME_SIZE = 1.01;

/**
 * Tries ways to quantize a model, cheap ones first, until all are tried or the time is over, and keeps the best that loses
 * at most `maxDrop`: the smallest file, of files equal within 1 % the highest SQNR. Every candidate calibrates on `rows`.
 * How far the list gets depends on the machine's speed; what each candidate gives does not.
 *
 * `onProgress` names the candidate that comes next and counts those done.
 *
 * Errors: ERR_MODEL_KIND, ERR_ARGUMENT (options; a model of one output without labels, which has no argmax), ERR_DTYPE and
 * ERR_SHAPE (rows, data), and those of `calibrate`; a candidate's own errors stand in its result. An abort rejects with
 * `signal.reason`.
 */
export async function search(
  model: MLP,
  rows: Float32Array,
  options: SearchOptions = {},
): Promise<SearchResult> {
  const { maxDrop, budget, data, modes } = checked(model, rows, options);
  const { signal, onProgress } = options;
  const deadline = performance.now() + 1000 * budget;
  const judge = new Judge(model, data ?? { inputs: rows });
  const source = new Calibrations(rows, signal);
  const list = candidatesFor(model.graph, modes, maxDrop, data).map((candidate) => ({
    ...candidate,
    options: { ...options.quantize, ...candidate.options },
  }));
  let tried: readonly Tried[] = [];
  const results: MethodResult[] = [];
  for (const [i, candidate] of list.entries()) {
    const left = deadline - performance.now();
    if (i > 0 && left <= 0) break;
    onProgress?.({ step: candidate.name, done: i, total: list.length });
    const limit = new Limit(signal, i === 0 ? undefined : left);
    try {
      const one = await attempt(model, candidate, source, judge, limit.signal);
      tried = contenders([...tried, one], maxDrop);
      results.push(one.result);
    } catch (error) {
      signal?.throwIfAborted();
      const isOver = limit.signal.aborted;
      results.push(failed(candidate.name, isOver ? 'the time was over' : (error as Error).message));
    } finally {
      limit.release();
    }
  }
  onProgress?.({ step: 'search', done: results.length, total: list.length });
  return chosen(tried, results, maxDrop, list.length - results.length);
}

function checked(model: MLP, rows: Float32Array, options: SearchOptions) {
  checkFloatModel(model);
  checkJobOptions(options, ['maxDrop', 'budget', 'data', 'modes', 'quantize']);
  const { maxDrop = DEFAULT_MAX_DROP, budget = 60, data, modes = MODES } = options;
  checkFloats('rows', rows);
  if (!(typeof maxDrop === 'number' && maxDrop >= 0))
    throw expected('ERR_ARGUMENT', 'maxDrop in percentage points ≥ 0', maxDrop);
  if (!(typeof budget === 'number' && budget >= 0))
    throw expected('ERR_ARGUMENT', 'budget in seconds ≥ 0', budget);
  if (!(Array.isArray(modes) && modes.length > 0 && modes.every((mode) => MODES.includes(mode))))
    throw expected('ERR_ARGUMENT', `modes out of ${MODES.join(', ')}`, modes);
  if (model.outFeatures === 1 && data?.labels === undefined)
    throw expected(
      'ERR_ARGUMENT',
      'data with labels for a model of one output, which has no argmax',
      undefined,
    );
  return { maxDrop, budget, data, modes };
}

async function attempt(
  model: MLP,
  candidate: Candidate,
  source: Calibrations,
  judge: Judge,
  signal: AbortSignal,
): Promise<Tried> {
  const { name, observer, methods, options } = candidate;
  const start = performance.now();
  const calibrateBy = (float: MLP) => source.of(float, observer);
  const prepared = await prepare(model, calibrateBy, methods, options, { signal });
  using quantized = quantize(prepared.model, prepared.calibration, options);
  const bytes = quantized.toBytes().length;
  const milliseconds = performance.now() - start;
  const score: Score = await judge.score(quantized, new Job({ signal }, name, 1));
  return { ...prepared, candidate, result: { name, ...score, bytes, milliseconds } };
}

function failed(name: string, error: string): MethodResult {
  return { name, sqnrDb: Number.NaN, bytes: 0, milliseconds: 0, error };
}

/** Errors: ERR_UNSUPPORTED where no candidate came through. */
function chosen(
  tried: readonly Tried[],
  results: readonly MethodResult[],
  maxDrop: number,
  untried: number,
): SearchResult {
  const best = bestOf(tried, maxDrop);
  if (best === undefined)
    throw expected('ERR_UNSUPPORTED', 'a model that can be quantized', results[0]?.error);
  const { model, calibration, candidate, result } = best;
  const { name, options } = candidate;
  const step = {
    step: 'search',
    chosen: name,
    maxDrop,
    tried: results.map(({ milliseconds: _, ...figures }) => figures),
  };
  const found = rebuilt(model, new Map(), step);
  return { model: found, calibration, options, name, met: result.drop! <= maxDrop, results, untried };
}

function bestOf(tried: readonly Tried[], maxDrop: number): Tried | undefined {
  const left = contenders(tried, maxDrop);
  return first(left, (a, b) => b.sqnrDb - a.sqnrDb);
}

/** Those that may still be the best whatever comes; the models of the others need not be kept. */
function contenders(tried: readonly Tried[], maxDrop: number): readonly Tried[] {
  const good = tried.filter(({ result }) => result.drop! <= maxDrop);
  if (good.length === 0) {
    const least = Math.min(...tried.map(({ result }) => result.drop!));
    return tried.filter(({ result }) => result.drop === least);
  }
  const smallest = Math.min(...good.map(({ result }) => result.bytes));
  return good.filter(({ result }) => result.bytes < smallest * SAME_SIZE);
}

/** The first in this order; of equal ones the one that was tried first. NaN, of ∞ − ∞, counts as equal. */
function first(
  tried: readonly Tried[],
  order: (a: MethodResult, b: MethodResult) => number,
): Tried | undefined {
  return [...tried].sort((a, b) => order(a.result, b.result) || 0)[0];
}

/** Calibrations of models on the same rows, each made once. */
class Calibrations {
  private readonly known = new WeakMap<MLP, Map<Observer, Promise<Calibration>>>();

  constructor(
    private readonly rows: Float32Array,
    private readonly signal: AbortSignal | undefined,
  ) {}

  of(model: MLP, method: Observer): Promise<Calibration> {
    const own = this.known.get(model) ?? new Map<Observer, Promise<Calibration>>();
    this.known.set(model, own);
    const calibration =
      own.get(method) ?? calibrate(model, this.rows, { method, ...(this.signal && { signal: this.signal }) });
    own.set(method, calibration);
    return calibration;
  }
}

/** What setTimeout takes; it fires at once for more. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/** Aborts with a signal, or when the time is over. */
class Limit {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout | undefined;
  private readonly forward = () => this.controller.abort(this.outer?.reason);

  constructor(
    private readonly outer: AbortSignal | undefined,
    milliseconds: number | undefined,
  ) {
    if (outer?.aborted) this.forward();
    outer?.addEventListener('abort', this.forward);
    if (milliseconds !== undefined)
      this.timer = setTimeout(() => this.controller.abort(), Math.min(milliseconds, MAX_TIMEOUT));
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  release(): void {
    clearTimeout(this.timer);
    this.outer?.removeEventListener('abort', this.forward);
  }
}
