import type { Observer } from '../calibration/types';
import type { Mode } from '../layers/layer';
import type { Graph } from '../models/graph';
import type { QuantizeOptions } from '../models/quantize';
import { GROUP_SIZES } from '../quantization/int4';
import { isScalable, scalableInputs } from './chains';
import type { Methods } from './pipeline';
import type { ScoreData } from './score';

/** One way to quantize a model: an observer, methods that prepare it, options of `quantize`. */
export interface Candidate {
  readonly name: string;
  readonly observer: Observer;
  readonly methods: Methods;
  readonly options: QuantizeOptions;
}

const OBSERVERS: readonly Observer[] = ['mse', 'minmax', 'percentile', 'entropy', 'movingAverage', 'auto'];
/** Of SmoothQuant. */
const ALPHAS = [0.5, 0.75];

const STATIC: QuantizeOptions = { mode: 'static' };
const PER_TENSOR: QuantizeOptions = { mode: 'static', weights: 'per-tensor' };
const DYNAMIC: QuantizeOptions = { mode: 'dynamic' };
const WEIGHT_ONLY: QuantizeOptions = { mode: 'weight-only' };
const INT4 = (['weight-only', 'dynamic'] as const).flatMap((mode) =>
  GROUP_SIZES.map((groupSize): QuantizeOptions => ({ mode, format: 'int4', groupSize })),
);

/** What a search tries, cheap ones first; methods that would change nothing in this model are left out. */
export function candidatesFor(
  graph: Graph,
  modes: readonly Mode[],
  maxDrop: number,
  data: ScoreData | undefined,
): readonly Candidate[] {
  const scalable = [...scalableInputs(graph).values()].filter(isScalable);
  const smoothed = scalable.length > 0 ? ALPHAS.map((alpha): Methods => ({ smoothQuant: alpha })) : [];
  const isPair = scalable.some(({ writer, readers }) => writer.op === 'linear' && readers.length === 1);
  const equalized: Methods[] = isPair ? [{ equalize: true }] : [];
  const corrected: Methods = { correctBias: true };
  const both = (methods: readonly Methods[]) => methods.map((method) => ({ ...method, ...corrected }));

  const all: Candidate[] = [
    ...OBSERVERS.map((observer) => candidate(STATIC, {}, observer)),
    ...[DYNAMIC, WEIGHT_ONLY, ...INT4, PER_TENSOR].map((options) => candidate(options)),
    ...[STATIC, ...INT4, PER_TENSOR].map((options) => candidate(options, corrected)),
    ...product([STATIC, PER_TENSOR], [...equalized, ...smoothed]),
    ...product([DYNAMIC, ...INT4], smoothed.slice(0, 1)),
    ...product([STATIC, PER_TENSOR], both([...equalized, ...smoothed])),
    ...(['weight-only', 'float32'] as const).map((fallback) =>
      candidate(STATIC, { mixedPrecision: { maxDrop, fallback, ...(data && { data }) } }),
    ),
  ];
  return all.filter(({ options }) => modes.includes(options.mode!));
}

function product(options: readonly QuantizeOptions[], methods: readonly Methods[]): Candidate[] {
  return options.flatMap((one) => methods.map((method) => candidate(one, method)));
}

function candidate(options: QuantizeOptions, methods: Methods = {}, observer: Observer = 'auto'): Candidate {
  return { name: nameOf(options, methods, observer), observer, methods, options };
}

/** 'int8 static per-tensor, equalize, correct bias' */
function nameOf(
  { mode, format = 'int8', groupSize, weights }: QuantizeOptions,
  methods: Methods,
  observer: Observer,
): string {
  const grid = [
    groupSize === undefined ? format : `${format}/${groupSize}`,
    mode,
    ...(weights === undefined ? [] : [weights]),
    ...(observer === 'auto' ? [] : [observer]),
  ].join(' ');
  const words = [
    methods.equalize && 'equalize',
    methods.smoothQuant !== undefined && `smooth ${methods.smoothQuant}`,
    methods.correctBias && 'correct bias',
    methods.mixedPrecision && `mixed with ${methods.mixedPrecision.fallback}`,
  ].filter((word) => typeof word === 'string');
  return [grid, ...words].join(', ');
}
