import { Command, CommanderError } from 'commander';
import { version } from '../version';
import { addBench } from './bench';
import { addConvert } from './convert';
import { addDiff } from './diff';
import { addDoctor } from './doctor';
import { addEval } from './eval';
import { printable } from './format';
import { addInspect } from './inspect';
import {
  type Context,
  EXIT,
  type Execute,
  type Outcome,
  type Problem,
  problemOf,
  UsageError,
} from './outcome';
import { ProgressBar } from './progress';
import { addQuantize } from './quantize';
import { addReport } from './report';
import { addTrain } from './train';

/** The world as a command sees it: `process` in main.ts, plain objects in tests. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether stderr is a terminal: only there is a progress bar drawn. */
  readonly stderrIsTTY: boolean;
  readonly signal?: AbortSignal;
  /** The folder in which the command was given. */
  readonly cwd?: string;
}

export interface Output {
  write(text: string): unknown;
}

/** Runs one command line (without node and script). The exit code: 0 done, 1 failed, 2 usage, 3 a gate missed, 130 Ctrl-C. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const json = argv.includes('--json');
  const bar = io.stderrIsTTY && !json ? new ProgressBar(io.stderr, io.env) : undefined;
  const context = {
    signal: io.signal,
    env: io.env,
    cwd: io.cwd ?? process.cwd(),
    onProgress: (p) => bar?.show(p),
  } satisfies Context;
  let outcome: Partial<Outcome> | undefined;
  try {
    outcome = await parse(argv, io, context);
  } catch (error) {
    outcome = { problem: problemOf(error, io.signal?.aborted === true) };
  }
  bar?.clear();
  print(outcome, json, io);
  return outcome?.problem?.exit ?? EXIT.done;
}

/** The outcome of the command that was named; undefined where help or the version was asked for. */
async function parse(argv: readonly string[], io: Io, context: Context): Promise<Outcome | undefined> {
  let outcome: Outcome | undefined;
  const execute: Execute = async (work) => {
    outcome = await work(context);
  };
  try {
    await program(io, execute).parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw error.code === 'commander.help' ? new UsageError('expected a command but received none') : error;
  }
  return outcome;
}

function program(io: Io, execute: Execute): Command {
  const root = new Command('requant')
    .description('int8 inference for MLPs: quantize, train, check, inspect, convert and time models')
    .version(version())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: () => {}, // `print` writes it
    })
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 a gate was missed (--max-drop), 130 interrupted.',
    );
  for (const add of [
    addQuantize,
    addTrain,
    addInspect,
    addEval,
    addConvert,
    addDiff,
    addReport,
    addBench,
    addDoctor,
  ])
    add(root, execute);
  return root;
}

function print(outcome: Partial<Outcome> | undefined, json: boolean, io: Io): void {
  if (outcome === undefined) return;
  const { report, text, problem } = outcome;
  const error = problem && { code: problem.code, message: problem.message };
  if (json) io.stdout.write(`${JSON.stringify({ ...report, ...(error && { error }) })}\n`);
  else if (text !== undefined) io.stdout.write(`${text}\n`);
  if (problem !== undefined) io.stderr.write(`${errorLine(problem)}\n`);
}

function errorLine({ code, message }: Problem): string {
  return `requant: ${code}: ${printable(message)}`;
}
