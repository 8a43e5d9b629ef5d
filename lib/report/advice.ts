import { points, smallShare, times } from './figures';
import type { ReportAdvice, ReportData, ReportLayer, ReportMethod, ReportVariant } from './types';

/** Percentage points of accuracy (or of rows with another class) that are a loss worth acting on. */
const MAX_DROP = 0.5;
/** Points that nobody sees. */
const SMALL_DROP = 0.1;
/** A layer that alone brings the output below this is worth keeping out of int8. */
const LOW_SQNR_DB = 25;
/** So much better is another method, layer or format. */
const CLEAR_DB = 3;
const OUTLIER_LAYER_DB = 6;
/** Widest feature over the median one, and over the narrowest. */
const ACTIVATION_OUTLIERS = 12;
const WEIGHT_SPREAD = 16;
/** Percent of values beyond the grid. */
const MUCH_SATURATED = 1;
const FEW_ROWS = 100;
/** Most layers that one piece of advice names. */
const MOST_NAMES = 3;

type Findings = Omit<ReportData, 'advice' | 'notes'>;

/** What to try next, the most pressing first: rules over the numbers of the report, each of them stated in its text. */
export function adviceOn(data: Findings): ReportAdvice[] {
  const advice = [
    lossAdvice,
    formatAdvice,
    sensitiveAdvice,
    methodAdvice,
    clippingAdvice,
    outlierAdvice,
    weightAdvice,
    smallerAdvice,
    calibrationAdvice,
  ].flatMap((rule) => rule(data) ?? []);
  const order = ['problem', 'good', 'hint'] as const;
  return advice.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

/** Points lost: of accuracy, or where there are no labels of rows with the same class. */
export function dropOf([float, int8]: readonly ReportVariant[]): number | null {
  if (float?.accuracy != null && int8?.accuracy != null) return float.accuracy - int8.accuracy;
  return int8?.agreement == null ? null : 100 - int8.agreement;
}

function lossAdvice({ summary, rows }: Findings): ReportAdvice {
  const int8 = summary[1]!;
  if (int8.unavailable !== undefined)
    return { level: 'problem', text: `The model has no int8 form: ${int8.unavailable.message}.` };
  const drop = dropOf(summary);
  if (drop === null) return sqnrAdvice(int8);
  const of = rows.labels ? 'points of accuracy' : '% of the rows their class';
  if (drop > MAX_DROP) {
    return {
      level: 'problem',
      text: `int8 costs ${points(drop)} ${of}, more than ${MAX_DROP}. Try what follows; where none of it wins enough back, train on with quantization in the loop (quantization-aware training).`,
      command: '--search --max-drop 0.5',
    };
  }
  const verdict = drop <= SMALL_DROP ? 'nothing needs to be done' : 'little, but a look at the rest may pay';
  return drop <= 0 && rows.labels
    ? { level: 'good', text: 'int8 costs no accuracy: nothing needs to be done.' }
    : { level: 'good', text: `int8 costs ${points(drop)} ${of}: ${verdict}.` };
}

/** A single output without labels has no class: only its error can be judged. */
function sqnrAdvice({ sqnrDb }: ReportVariant): ReportAdvice {
  const isLow = sqnrDb !== null && sqnrDb < LOW_SQNR_DB;
  const text = `The int8 outputs have an SQNR of ${sqnrDb === null ? '∞' : sqnrDb.toFixed(1)} dB`;
  return isLow
    ? { level: 'problem', text: `${text}, below ${LOW_SQNR_DB}. Give labels to see what that costs.` }
    : { level: 'good', text: `${text}: the error is small beside the signal.` };
}

function formatAdvice({ summary }: Findings): ReportAdvice | undefined {
  const [, int8, fp8] = summary;
  if (int8?.unavailable || fp8 === undefined || fp8.unavailable) return undefined;
  if (int8?.sqnrDb == null || fp8.sqnrDb === null || fp8.sqnrDb < int8.sqnrDb + CLEAR_DB) return undefined;
  return {
    level: 'hint',
    text: `FP8 keeps ${(fp8.sqnrDb - int8.sqnrDb).toFixed(1)} dB more than int8: the values have long tails. If FP8 is what will run, use it; else look for the layers with outliers below.`,
    command: '--format e4m3fn',
  };
}

function sensitiveAdvice({ sensitivity }: Findings): ReportAdvice | undefined {
  const [worst] = sensitivity;
  const others = sensitivity.slice(1).map(({ sqnrDb }) => sqnrDb ?? Number.POSITIVE_INFINITY);
  if (worst?.sqnrDb == null || others.length === 0) return undefined;
  const middle = others.toSorted((a, b) => a - b)[others.length >> 1]!;
  if (worst.sqnrDb >= LOW_SQNR_DB || middle - worst.sqnrDb < OUTLIER_LAYER_DB) return undefined;
  return {
    level: 'hint',
    text: `The layer ‘${worst.name}’ alone brings the output to ${worst.sqnrDb.toFixed(1)} dB, far below the others. Keep it in float32 (mixed precision) and int8 elsewhere.`,
    command: '--mixed-precision',
  };
}

/** Another static int8 method that is clearly better than the one in use, at the same size. */
function methodAdvice({ methods }: Findings): ReportAdvice | undefined {
  const isInt8 = ({ name, error }: ReportMethod): boolean => error === undefined && name.startsWith('int8 ');
  const [own, ...others] = methods.filter(isInt8);
  if (own === undefined) return undefined;
  const gain = (method: ReportMethod): number => (method.sqnrDb ?? Infinity) - (own.sqnrDb ?? Infinity);
  const accuracyGain = ({ drop }: ReportMethod): number => (own.drop ?? 0) - (drop ?? 0);
  const best = others
    .filter((method) => gain(method) >= CLEAR_DB && accuracyGain(method) >= 0)
    .toSorted((a, b) => accuracyGain(b) - accuracyGain(a) || gain(b) - gain(a))[0];
  if (best === undefined) return undefined;
  const accuracy = accuracyGain(best) > 0 ? `, and ${points(accuracyGain(best))} points of accuracy` : '';
  return {
    level: 'hint',
    text: `‘${best.name}’ keeps ${gain(best).toFixed(1)} dB more of the outputs than ‘${own.name}’${accuracy}.`,
  };
}

function clippingAdvice({ layers }: Findings): ReportAdvice | undefined {
  const clipped = layers.filter(({ formats }) => {
    const inputs = formats.int8?.activations;
    return inputs !== undefined && inputs.saturated > MUCH_SATURATED && inputs.clipping > inputs.rounding;
  });
  if (clipped.length === 0) return undefined;
  const most = Math.max(...clipped.map(({ formats }) => formats.int8!.activations.saturated));
  return {
    level: 'hint',
    text: `Clipping outweighs rounding at the inputs of ${names(clipped)} (up to ${smallShare(most)} saturated): the ranges are too narrow for these rows. Calibrate on more rows like them, or take wider ranges.`,
    command: '--method minmax',
  };
}

function outlierAdvice({ layers }: Findings): ReportAdvice | undefined {
  const spread = layers.filter(({ activationSpread }) => activationSpread >= ACTIVATION_OUTLIERS);
  if (spread.length === 0) return undefined;
  const most = Math.max(...spread.map(({ activationSpread }) => activationSpread));
  return {
    level: 'hint',
    text: `Some features at the inputs of ${names(spread)} are up to ${times(most)} as large as the median one, and one scale has to hold all of them. SmoothQuant moves that into the weights; percentile ranges give the rare large values up.`,
    command: '--smooth-quant, --method percentile',
  };
}

/** Rows of weights of very different size: harmless with a scale for each, costly with one for all. */
function weightAdvice({ layers, calibration, methods }: Findings): ReportAdvice | undefined {
  const spread = layers.filter(({ weightSpread }) => weightSpread >= WEIGHT_SPREAD);
  if (spread.length === 0 || !isPerTensor({ calibration, methods })) return undefined;
  return {
    level: 'hint',
    text: `Output features of ${names(spread)} have weights of very different size. One scale a feature costs nothing at run time; where it must be one a layer, equalize the layers first.`,
    command: '--weights per-channel, --equalize',
  };
}

function isPerTensor({ calibration }: Pick<Findings, 'calibration' | 'methods'>): boolean {
  return calibration.record.some(({ weights }) => weights === 'per-tensor');
}

/** int4 where it costs next to nothing. */
function smallerAdvice({ methods, summary }: Findings): ReportAdvice | undefined {
  const int8 = summary[1]!;
  const float = methods[0];
  const cost = ({ drop }: ReportMethod): number => drop ?? Number.POSITIVE_INFINITY;
  const smallest = methods
    .filter(
      (method) => method.error === undefined && method.name.startsWith('int4') && cost(method) <= MAX_DROP,
    )
    .toSorted((a, b) => a.bytes - b.bytes || cost(a) - cost(b))[0];
  if (smallest === undefined || float === undefined || smallest.bytes >= 0.8 * int8.bytes) return undefined;
  const mode = smallest.name.includes('dynamic') ? 'dynamic' : 'weight-only';
  return {
    level: 'hint',
    text: `If size matters: ‘${smallest.name}’ is ${times(float.bytes / smallest.bytes)} smaller than float32 and costs ${points(cost(smallest))} points.`,
    command: `--format int4 --mode ${mode}`,
  };
}

function calibrationAdvice({ calibration }: Findings): ReportAdvice | undefined {
  if (calibration.rows >= FEW_ROWS) return undefined;
  return {
    level: 'hint',
    text: `The ranges come from ${calibration.rows} rows only. A few hundred of the real ones make them trustworthy.`,
  };
}

function names(layers: readonly ReportLayer[]): string {
  const quoted = layers.slice(0, MOST_NAMES).map(({ name }) => `‘${name}’`);
  const more = layers.length - quoted.length;
  return more === 0 ? quoted.join(', ') : `${quoted.join(', ')} and ${more} more`;
}
