import path from 'node:path';
import { expected } from '../../errors';
import { readFileBytes } from '../../formats/atomic-write';
import { parseStrictJson } from '../../formats/strict-json';
import type { ElementwiseName } from '../../layers/elementwise';
import { JsonReader } from '../../models/json-reader';
import { ACTIVATIONS } from '../options';
import { KIND_NAMES, KINDS, type KindName } from './kinds';

/** Files of rows and of what they should give. */
export interface DataFiles {
  readonly inputs: string;
  readonly targets: string;
}

/** A config file, read: paths are those of files, defaults filled in (docs/training.md). */
export interface TrainConfig extends DataFiles {
  readonly kind: KindName;
  /** One of the two. */
  readonly model: string | undefined;
  readonly widths: readonly number[] | undefined;
  readonly activation: ElementwiseName | undefined;
  readonly validation: DataFiles | undefined;
  readonly scaleInput: number | undefined;
  readonly output: string;
  readonly checkpoint: string | undefined;
  readonly checkpointSeconds: number | undefined;
  readonly epochs: number;
  readonly batchSize: number | undefined;
  readonly seed: number | undefined;
  /** Keys of the kind alone, as they stand: the function that trains checks them. */
  readonly options: Readonly<Record<string, unknown>>;
}

const COMMON_KEYS = [
  'kind',
  'model',
  'widths',
  'activation',
  'inputs',
  'targets',
  'validation',
  'scaleInput',
  'output',
  'checkpoint',
  'checkpointSeconds',
  'epochs',
  'batchSize',
  'seed',
] as const;
type CommonKey = (typeof COMMON_KEYS)[number];

const MAX_CONFIG_LENGTH = 2 ** 20;
const MAX_WIDTH = 2 ** 24;

/** Paths in the file are relative to its folder. Errors: ERR_IO, ERR_FORMAT naming the key, ERR_LIMIT. */
export async function readConfig(file: string): Promise<TrainConfig> {
  const text = new TextDecoder().decode(await readFileBytes(file));
  const value = parseStrictJson(text, { maxLength: MAX_CONFIG_LENGTH });
  const resolve = (reader: JsonReader): string => path.resolve(path.dirname(file), reader.string());
  return configOf(new JsonReader(value, 'config'), resolve);
}

function configOf(root: JsonReader, resolve: (reader: JsonReader) => string): TrainConfig {
  const kind = kindOf(root);
  const own = KINDS[kind].keys;
  const keys = root.object([...COMMON_KEYS, ...own] as CommonKey[]);
  const output = resolve(keys.output);
  const model = keys.model.optional(resolve);
  const widths = keys.widths.optional(readWidths);
  const activation = keys.activation.optional((reader) => reader.word(ACTIVATIONS));
  if ((model === undefined) === (widths === undefined) || (model !== undefined && !KINDS[kind].takesModel)) {
    const what = KINDS[kind].takesModel ? 'either config.model or config.widths' : 'config.widths alone';
    throw expected('ERR_FORMAT', `${what} for kind '${kind}'`, model === undefined ? 'none' : 'config.model');
  }
  return {
    kind,
    model,
    widths,
    activation,
    ...readFiles(keys, resolve),
    validation: keys.validation.optional((reader) =>
      readFiles(reader.object(['inputs', 'targets']), resolve),
    ),
    scaleInput: keys.scaleInput.optional(readFactor),
    output,
    checkpoint: checkpointOf(keys.checkpoint, output, resolve),
    checkpointSeconds: keys.checkpointSeconds.optional((reader) => reader.number()),
    epochs: keys.epochs.integer(1, 2 ** 31),
    batchSize: keys.batchSize.optional((reader) => reader.integer(1, 2 ** 24)),
    seed: keys.seed.optional((reader) => reader.integer(0, Number.MAX_SAFE_INTEGER)),
    options: Object.fromEntries(
      root.entries().flatMap(([key, reader]) => (own.includes(key) ? [[key, reader.raw()]] : [])),
    ),
  };
}

/** First of all: it decides which keys there are. */
function kindOf(root: JsonReader): KindName {
  const entry = root.entries().find(([key]) => key === 'kind');
  return entry === undefined ? 'float' : entry[1].word(KIND_NAMES);
}

function readFiles(
  { inputs, targets }: Record<'inputs' | 'targets', JsonReader>,
  resolve: (reader: JsonReader) => string,
): DataFiles {
  return { inputs: resolve(inputs), targets: resolve(targets) };
}

function readWidths(reader: JsonReader): number[] {
  const widths = reader.array().map((width) => width.integer(1, MAX_WIDTH));
  if (widths.length < 2) throw reader.fail('at least two widths, of the inputs and of the outputs');
  return widths;
}

function readFactor(reader: JsonReader): number {
  const factor = reader.number();
  if (factor === 0) throw reader.fail('a number other than 0');
  return factor;
}

/** Beside the output where nothing is said; none for `false`. */
function checkpointOf(
  reader: JsonReader,
  output: string,
  resolve: (reader: JsonReader) => string,
): string | undefined {
  if (reader.raw() === false) return undefined;
  if (reader.isPresent) return resolve(reader);
  const { dir, name } = path.parse(output);
  return path.join(dir, `${name}.checkpoint.safetensors`);
}
