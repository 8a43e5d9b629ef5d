import type { Calibration, JobOptions } from '../calibration/types';
import { type Prepared, prepare } from '../compression/pipeline';
import type { ScoreData } from '../compression/score';
import type { SearchResult } from '../compression/search';
import { calibrate } from '../models/calibrate';
import type { MLP } from '../models/mlp';
import type { QuantizeOptions } from '../models/quantize';
import { methodsOf } from './methods';
import type { Context } from './outcome';
import type { Flags } from './quantize-flags';
import { readAll, readLabels, withRows } from './rows';
import { searched } from './search';

/** What `quantize` is given, and where it was searched for, what was found. */
export interface Made extends Prepared {
  readonly options: QuantizeOptions;
  readonly found?: SearchResult;
}

/** The float model prepared as the flags say, or by the search. */
export async function made(float: MLP, flags: Flags, context: Context): Promise<Made> {
  const { calibrate: path, maxDrop } = flags;
  const data = flags.search || flags.mixedPrecision !== undefined ? await testData(float, flags) : undefined;
  if (flags.search) {
    const { rounding, activations, inputs, outputs: output } = flags;
    const rows = await withRows(path!, float.inFeatures, flags.scaleInput, readAll);
    const found = await searched(
      float,
      rows,
      data!,
      flags,
      {
        quantize: { rounding, activations, inputs, output },
        ...(maxDrop !== undefined && { maxDrop }),
        ...(flags.given.has('mode') && { modes: [flags.mode] }),
      },
      context,
    );
    return { ...found, found };
  }
  const options = optionsOf(flags);
  const calibrateIt = (model: MLP) => calibrated(model, path!, flags, context);
  const prepared = await prepare(
    float,
    calibrateIt,
    methodsOf(flags, maxDrop, data),
    options,
    jobOf(context),
  );
  const calibration = prepared.calibration ?? (path === undefined ? null : await calibrateIt(prepared.model));
  return { model: prepared.model, calibration, options };
}

/** Methods count layers and sweeps. */
function jobOf({ signal, onProgress }: Context): JobOptions {
  return {
    ...(signal && { signal }),
    onProgress: (progress) => onProgress({ ...progress, unit: 'step' }),
  };
}

function optionsOf(flags: Flags): QuantizeOptions {
  const {
    mode,
    format,
    groupSize,
    bits,
    activationBits,
    rounding,
    weights,
    activations,
    inputs,
    outputs: output,
  } = flags;
  return {
    mode,
    format,
    ...(groupSize !== undefined && { groupSize }),
    ...(bits !== undefined && { bits }),
    ...(activationBits !== undefined && { activationBits }),
    rounding,
    weights,
    activations,
    inputs,
    output,
  };
}

/** All rows of --test, and their labels. */
function testData(float: MLP, { test, labels, scaleInput }: Flags): Promise<ScoreData> {
  return withRows(test!, float.inFeatures, scaleInput, async (source) => ({
    inputs: await readAll(source),
    labels:
      labels === undefined ? undefined : await readLabels(labels, source, Math.max(float.outFeatures, 2)),
  }));
}

function calibrated(float: MLP, path: string, flags: Flags, context: Context): Promise<Calibration> {
  const { method, percentile } = flags;
  return withRows(path, float.inFeatures, flags.scaleInput, (source) =>
    calibrate(float, source.batches(), {
      ...(method !== undefined && { method }),
      ...(percentile !== undefined && { percentile }),
      ...(context.signal && { signal: context.signal }),
      onProgress: (progress) => context.onProgress({ ...progress, total: source.rows }),
    }),
  );
}
