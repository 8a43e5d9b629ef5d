import { expected } from '../errors';
import { readFileBytes, writeFileAtomically } from '../formats/atomic-write';
import { readSafetensors, writeSafetensors } from '../formats/safetensors';
import { parseStrictJson } from '../formats/strict-json';
import { JsonReader } from '../models/json-reader';
import { type DType, type Tensor, type TensorData, tensor } from '../tensor';
import { Turn } from '../turn';
import { version } from '../version';
import { checkSame, dataHash, type Fingerprint } from './fingerprint';
import type { Epoch, Keeper, Learner, LearnerState, Position, Standing, TrainingJob } from './loop';

const CHECKPOINT_VERSION = 1;
/** The one key of the file's metadata. */
const KEY = 'requant.checkpoint';
const LEARNER = 'learner.';

export interface CheckpointSettings {
  readonly path: string;
  readonly resume: boolean;
  /** Between two epochs, besides. */
  readonly seconds: number | undefined;
}

/**
 * A training run in one safetensors file: the learner's arrays, the order of the rows, the generator's state, and in the
 * metadata where the run stands and the fingerprint of data and options, which must be the same on resuming.
 */
export class CheckpointFile implements Keeper {
  private fingerprint: Fingerprint = {};
  private last = performance.now();

  constructor(
    private readonly settings: CheckpointSettings,
    private readonly job: Omit<TrainingJob, 'keeper'>,
  ) {}

  /** @throws {RequantError} ERR_IO, ERR_FORMAT, ERR_VERSION, ERR_ARGUMENT (other data or options) */
  async resume(learner: Learner, standing: Standing): Promise<void> {
    this.fingerprint = await fingerprintOf(learner, this.job);
    const { path, resume } = this.settings;
    const { order } = standing;
    if (!resume) return;
    const { metadata, tensors } = readSafetensors(await readFileBytes(path));
    const run = readRun(metadata[KEY], order.rows.length);
    checkSame(this.fingerprint, run.fingerprint, `the checkpoint '${path}'`);
    learner.restore({ tensors: learnerArrays(tensors), numbers: run.numbers });
    order.rows.set(readOrder(tensors.get('order'), order.rows.length));
    order.random.state.set(readInt32s('random', tensors.get('random'), order.random.state.length));
    standing.history.push(...run.history);
    Object.assign(standing.position, run.position);
  }

  /** @throws {RequantError} ERR_IO, ERR_MEMORY */
  async keep(learner: Learner, standing: Standing, urgent: boolean): Promise<void> {
    const { path, seconds = Number.POSITIVE_INFINITY } = this.settings;
    if (!urgent && performance.now() - this.last < 1000 * seconds) return;
    await writeFileAtomically(path, writeCheckpoint(this.fingerprint, learner.state(), standing));
    this.last = performance.now();
  }
}

async function fingerprintOf(learner: Learner, job: Omit<TrainingJob, 'keeper'>): Promise<Fingerprint> {
  const turn = new Turn(job.signal);
  return {
    requant: version(),
    ...learner.identity(),
    batchSize: job.batchSize,
    seed: job.seed,
    data: await dataHash(job.data, turn),
    ...(job.validation && { validation: await dataHash(job.validation, turn) }),
  };
}

interface Run {
  readonly fingerprint: Fingerprint;
  readonly position: Position;
  readonly history: readonly Epoch[];
  readonly numbers: Readonly<Record<string, number>>;
}

function writeCheckpoint(
  fingerprint: Fingerprint,
  { tensors, numbers }: LearnerState,
  { position, history, order: { rows, random } }: Standing,
): Uint8Array {
  const arrays = new Map<string, Tensor>([
    ['order', tensor(new Int32Array(rows.buffer, rows.byteOffset, rows.length))],
    ['random', tensor(Int32Array.from(random.state))],
  ]);
  for (const [name, array] of Object.entries(tensors)) arrays.set(LEARNER + name, tensor(array));
  const run = {
    version: CHECKPOINT_VERSION,
    fingerprint,
    position,
    history,
    numbers: Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, numberText(value)])),
  };
  return writeSafetensors(arrays, { [KEY]: JSON.stringify(run) });
}

/** JSON knows no infinity, NaN or −0. The shortest text of a number reads back to its bits. */
function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function readRun(text: string | undefined, rows: number): Run {
  if (text === undefined) throw expected('ERR_FORMAT', 'a checkpoint of requant', 'another safetensors file');
  const root = new JsonReader(parseStrictJson(text), 'checkpoint').object([
    'version',
    'fingerprint',
    'position',
    'history',
    'numbers',
  ]);
  const found = root.version.integer(1, 2 ** 31);
  if (found !== CHECKPOINT_VERSION)
    throw expected('ERR_VERSION', `a checkpoint of version ${CHECKPOINT_VERSION}`, found);
  const position = readPosition(root.position, rows);
  const history = root.history.array().map(readEpoch);
  if (history.length !== position.epoch - 1)
    throw root.history.fail(`the history of ${position.epoch - 1} epochs`);
  return {
    position,
    history,
    fingerprint: Object.fromEntries(root.fingerprint.entries().map(([name, r]) => [name, readFact(r)])),
    numbers: Object.fromEntries(root.numbers.entries().map(([name, r]) => [name, readNumber(r)])),
  };
}

function readPosition(reader: JsonReader, rows: number): Position {
  const { epoch, done, loss, correct } = reader.object(['epoch', 'done', 'loss', 'correct']);
  return {
    epoch: epoch.integer(1, 2 ** 32),
    done: done.integer(0, rows),
    loss: loss.number(),
    correct: correct.optional((r) => r.integer(0, rows)),
  };
}

function readEpoch(reader: JsonReader, index: number): Epoch {
  const fields = reader.object(['epoch', 'loss', 'accuracy', 'validationLoss']);
  const accuracy = fields.accuracy.optional((r) => r.number());
  const validationLoss = fields.validationLoss.optional((r) => r.number());
  return {
    epoch: fields.epoch.integer(index + 1, index + 1),
    loss: fields.loss.number(),
    ...(accuracy !== undefined && { accuracy }),
    ...(validationLoss !== undefined && { validationLoss }),
  };
}

function readFact(reader: JsonReader): string | number | boolean {
  const value = reader.raw();
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw reader.fail('a string, number or boolean');
}

function readNumber(reader: JsonReader): number {
  const text = reader.string();
  const value = Number(text);
  if (numberText(value) !== text) throw reader.fail('the text of a number');
  return value;
}

function learnerArrays(tensors: ReadonlyMap<string, Tensor>): LearnerState['tensors'] {
  const own = [...tensors].filter(([name]) => name.startsWith(LEARNER));
  return Object.fromEntries(
    own.map(([name, { data }]): [string, TensorData[DType]] => [name.slice(LEARNER.length), data]),
  );
}

function readInt32s(name: string, held: Tensor | undefined, length: number): Int32Array {
  if (held?.dtype !== 'int32' || held.data.length !== length)
    throw expected('ERR_FORMAT', `'${name}' to be int32 of length ${length}`, held?.data);
  return held.data;
}

/** Each row once. */
function readOrder(held: Tensor | undefined, rows: number): Int32Array {
  const order = readInt32s('order', held, rows);
  const seen = new Uint8Array(rows);
  for (const row of order) {
    if (seen[row] !== 0) throw expected('ERR_FORMAT', `'order' to hold each of ${rows} rows once`, row);
    seen[row] = 1;
  }
  return order;
}
