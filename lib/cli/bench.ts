import type { Command } from 'commander';
import type { ElementwiseName } from '../layers/elementwise';
import { callNative } from '../runtime/native';
import { kernels } from '../runtime/operators';
import { type Cell, measureCells } from './benchmark/cells';
import { type Absent, findOnnxruntime, type Onnxruntime } from './benchmark/onnxruntime';
import { makeSubject, type Subject } from './benchmark/subject';
import { cellTable, verdictLines } from './benchmark/words';
import { count, fields, plural } from './format';
import * as option from './options';
import { type Context, type Execute, type Outcome, oneLine, UsageError } from './outcome';
import { kernelReason, thisSystem } from './system';

const DEFAULT_BATCHES = [1, 8, 32, 128, 1024];
const DEFAULT_SECONDS = 1;
const MAX_BATCH = 2 ** 20;
const MAX_THREADS = 1024;

interface Flags {
  readonly batch?: readonly number[];
  readonly threads?: readonly number[];
  readonly seconds: number;
  readonly data?: string;
  readonly activation?: ElementwiseName;
  readonly scaleInput?: number;
}

const EXAMPLES = `
Given a float model, it is quantized too (static int8), calibrated on --data or else on seeded random rows. Given a
quantized model, that is measured alone; given one of each, both. onnxruntime-node runs the float model beside them where
your folder has it. The contenders take turns; a ratio is the median of those within each turn, quartiles in brackets.

Examples:
  requant bench mnist.safetensors --activation relu
  requant bench mnist.safetensors mnist.int8.safetensors --batch 1,8 --threads 1
  requant bench mnist.int8.safetensors --seconds 5 --json`;

export function addBench(program: Command, execute: Execute): void {
  const command = program
    .command('bench')
    .summary('time a model on this machine: int8 beside float32')
    .description('Times a model of yours on this machine: latency and rows/s, int8 beside float32.')
    .argument('<model...>', 'a model file (.safetensors, .onnx), or a float and a quantized one')
    .option('--batch <list>', `rows a call (default: ${DEFAULT_BATCHES})`, option.integerList(MAX_BATCH))
    .option(
      '--threads <list>',
      'most threads a call may use (default: 1 and the size of the pool)',
      option.integerList(MAX_THREADS),
    )
    .option('--seconds <s>', 'time for each cell of the table', option.positiveNumber, DEFAULT_SECONDS)
    .option('--data <x.npy>', 'rows to run and to calibrate on');
  option
    .addJson(option.addScaleInput(option.addActivation(command)))
    .addHelpText('after', EXAMPLES)
    .action((models: string[], flags: Flags) => execute((context) => bench(models, flags, context)));
}

async function bench(paths: readonly string[], flags: Flags, context: Context): Promise<Outcome> {
  if (paths.length > 2)
    throw new UsageError(`expected a model, or a float and a quantized one, but received ${paths.length}`);
  if (flags.scaleInput !== undefined && flags.data === undefined)
    throw new UsageError('expected --data beside --scale-input');
  const poolThreads = callNative((addon) => addon.poolInfo()).threads;
  const threads = threadCounts(flags.threads, poolThreads);
  const batches = flags.batch ?? DEFAULT_BATCHES;
  const { activation, data, scaleInput, seconds } = flags;
  const mostRows = Math.max(...batches);
  const subject = await makeSubject({ paths, activation, data, scaleInput, mostRows }, context);
  const found = subject.origins.float32 === undefined ? undefined : await findOnnxruntime(context.cwd);
  const leftOut: string[] = [];
  const onnxruntime = found && 'ort' in found ? found : undefined;
  const cells = await measureCells({ subject, onnxruntime, threads, batches, seconds }, context, (reason) =>
    leftOut.push(oneLine(reason)),
  );
  return outcome(paths, flags, { subject, cells, poolThreads, peer: peerOf(found, leftOut) }, context);
}

function threadCounts(given: readonly number[] | undefined, poolThreads: number): readonly number[] {
  const most = Math.max(...(given ?? [1]));
  if (most > poolThreads)
    throw new UsageError(
      `expected --threads of at most ${poolThreads}, the size of the pool (REQUANT_THREADS sets it), but received ${most}`,
    );
  return given ?? [...new Set([1, poolThreads])];
}

interface Peer {
  readonly version: string | null;
  /** Why it was not measured, or not in each cell. */
  readonly note: string | null;
}

function peerOf(found: Onnxruntime | Absent | undefined, leftOut: readonly string[]): Peer | undefined {
  if (found === undefined) return undefined;
  if ('absent' in found) return { version: null, note: found.absent };
  const [reason] = leftOut;
  return { version: found.version, note: reason === undefined ? null : `left out: ${reason}` };
}

interface Findings {
  readonly subject: Subject;
  readonly cells: readonly Cell[];
  readonly poolThreads: number;
  readonly peer: Peer | undefined;
}

function outcome(paths: readonly string[], flags: Flags, findings: Findings, { env }: Context): Outcome {
  const { subject, cells, poolThreads, peer } = findings;
  const { active, available } = kernels();
  const { cpuModel, nodeVersion } = thisSystem();
  const reason = kernelReason(env);
  const words = verdictLines(cells);
  const { origins, rowsOrigin, inFeatures, outFeatures } = subject;
  return {
    report: {
      command: 'bench',
      models: paths,
      inFeatures,
      outFeatures,
      float32: origins.float32 ?? null,
      int8: origins.int8 ?? null,
      rows: rowsOrigin,
      secondsPerCell: flags.seconds,
      machine: { cpu: cpuModel, node: nodeVersion, kernel: { active, reason, available }, poolThreads },
      onnxruntime: peer ?? null,
      cells,
      words,
    },
    text: [
      fields([
        ['model', `${count(inFeatures)} → ${plural(outFeatures, 'feature')}`],
        ['int8', origins.int8],
        ['float32', origins.float32],
        ['rows', rowsOrigin],
        ['CPU', cpuModel],
        ['kernel', `${active} (${reason})`],
        ['pool', plural(poolThreads, 'thread')],
        [
          'peer',
          peer && [peer.version && `onnxruntime-node ${peer.version}`, peer.note].filter(Boolean).join(', '),
        ],
      ]),
      cellTable(cells),
      words.join('\n'),
    ]
      .filter((part) => part !== '')
      .join('\n\n'),
  };
}
