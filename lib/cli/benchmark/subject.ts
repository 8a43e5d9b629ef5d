import type { Calibration } from '../../calibration/types';
import { expected } from '../../errors';
import { readFileBytes } from '../../formats/atomic-write';
import type { ElementwiseName } from '../../layers/elementwise';
import { calibrate } from '../../models/calibrate';
import { load } from '../../models/load';
import type { LoadOptions, Source } from '../../models/load-graph';
import { MLP } from '../../models/mlp';
import { quantize } from '../../models/quantize';
import { QuantizedMLP } from '../../models/quantized-mlp';
import { Random } from '../../random';
import { plural } from '../format';
import { loadOptions, sourceOf } from '../models';
import { type Context, UsageError } from '../outcome';
import { withRows } from '../rows';

/** Seeded rows to calibrate on where the user gives none. */
const RANDOM_ROWS = 1024;

/** A model as float32, as int8, or both: what the command line named, and what `quantize` made of it. */
export interface Forms {
  readonly float32: MLP | undefined;
  readonly int8: QuantizedMLP | undefined;
}

/** What is measured. */
export interface Subject {
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** In words where each form comes from; undefined where there is none. */
  readonly origins: { readonly float32: string | undefined; readonly int8: string | undefined };
  /** Where the rows come from, in words. */
  readonly rowsOrigin: string;
  /** The first rows, and from the start again where they do not suffice. */
  rows(count: number): Float32Array;
  /** New models that use at most so many threads. */
  forms(threads: number): Promise<Forms>;
}

export interface SubjectRequest {
  readonly paths: readonly string[];
  readonly activation: ElementwiseName | undefined;
  /** Path of rows; undefined: seeded random ones. */
  readonly data: string | undefined;
  readonly scaleInput: number | undefined;
  /** How many rows will be asked for. */
  readonly mostRows: number;
}

interface ModelFile {
  readonly path: string;
  readonly source: Source;
  readonly options: LoadOptions;
}

/** Errors: as `load`, `calibrate` and `withRows`; UsageError (two models of one kind). */
export async function makeSubject(request: SubjectRequest, context: Context): Promise<Subject> {
  const files = await readModels(request);
  const models = await Promise.all(files.map(({ source, options }) => load(source, options)));
  try {
    const floatAt = models.findIndex(({ kind }) => kind === 'float');
    const int8At = models.findIndex(({ kind }) => kind === 'quantized');
    checkPair(models);
    const [float, int8] = [files[floatAt], files[int8At]];
    const { inFeatures, outFeatures } = models[0]!;
    const data = await prepare(
      models[floatAt] as MLP | undefined,
      int8 === undefined,
      inFeatures,
      request,
      context,
    );
    return {
      inFeatures,
      outFeatures,
      origins: {
        float32: float?.path,
        int8: int8?.path ?? `${float!.path}, quantized here, calibrated on the rows`,
      },
      rowsOrigin: data.origin,
      rows: (rows) => repeated(data.rows, rows * inFeatures),
      forms: (threads) => makeForms(float, int8, data.calibration, threads),
    };
  } finally {
    for (const model of models) model.dispose();
  }
}

async function readModels({ paths, activation }: SubjectRequest): Promise<ModelFile[]> {
  const files = await Promise.all(paths.map((path) => readFileBytes(path)));
  const options = loadOptions(files, activation);
  return files.map((bytes, i) => ({
    path: paths[i]!,
    source: sourceOf(paths[i]!, bytes),
    options: options[i]!,
  }));
}

function checkPair(models: readonly (MLP | QuantizedMLP)[]): void {
  const [a, b] = models;
  if (a === undefined || b === undefined) return;
  if (a.kind === b.kind)
    throw new UsageError(`expected a float and a quantized model but received two of kind ${a.kind}`);
  const ports = ({ inFeatures, outFeatures }: MLP | QuantizedMLP) => `${inFeatures} → ${outFeatures}`;
  if (ports(a) !== ports(b)) throw expected('ERR_SHAPE', `two models of ${ports(a)} features`, ports(b));
}

interface Data {
  readonly rows: Float32Array;
  /** null where nothing is quantized here. */
  readonly calibration: Calibration | null;
  readonly origin: string;
}

async function prepare(
  float: MLP | undefined,
  quantizes: boolean,
  features: number,
  { data, scaleInput, mostRows }: SubjectRequest,
  { signal, onProgress }: Context,
): Promise<Data> {
  const ranges = async (batches: Float32Array | AsyncIterable<Float32Array>, total: number) =>
    quantizes
      ? calibrate(float!, batches, {
          ...(signal && { signal }),
          onProgress: (progress) => onProgress({ ...progress, total }),
        })
      : null;
  if (data === undefined) {
    const rows = randomRows(Math.max(mostRows, RANDOM_ROWS) * features);
    const calibration = await ranges(rows.subarray(0, RANDOM_ROWS * features), RANDOM_ROWS);
    return { rows, calibration, origin: 'seeded random rows in [-1, 1): fit for speed, not for accuracy' };
  }
  return withRows(data, features, scaleInput, async (source) => ({
    calibration: await ranges(source.batches(), source.rows),
    rows: await firstRows(source.batches(), Math.min(mostRows, source.rows) * features),
    origin: `${plural(source.rows, 'row')} of ${data}`,
  }));
}

function randomRows(length: number): Float32Array {
  const random = new Random(1);
  return Float32Array.from({ length }, () => 2 * random.uniform() - 1);
}

async function firstRows(batches: AsyncIterable<Float32Array>, length: number): Promise<Float32Array> {
  const rows = new Float32Array(length);
  let at = 0;
  for await (const batch of batches) {
    rows.set(batch.subarray(0, length - at), at);
    at += batch.length;
    if (at >= length) break;
  }
  return rows;
}

function repeated(values: Float32Array, length: number): Float32Array {
  const all = new Float32Array(length);
  for (let at = 0; at < length; at += values.length) all.set(values.subarray(0, length - at), at);
  return all;
}

async function makeForms(
  float: ModelFile | undefined,
  int8: ModelFile | undefined,
  calibration: Calibration | null,
  threads: number,
): Promise<Forms> {
  const float32 = float && (await MLP.load(float.source, { ...float.options, threads }));
  return {
    float32,
    int8: int8
      ? await QuantizedMLP.load(int8.source, { threads })
      : quantize(float32!, calibration, { threads }),
  };
}
