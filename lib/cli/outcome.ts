import { CommanderError } from 'commander';
import type { Progress } from '../calibration/types';
import { RequantError } from '../errors';

/** Exit codes are stable: scripts may branch on them. */
export const EXIT = { done: 0, failed: 1, usage: 2, gateMissed: 3, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Why a command does not end with 0. Besides the package's codes: ERR_USAGE, ERR_GATE, ERR_ABORTED, ERR_INTERNAL. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly exit: ExitCode;
}

/** What a command found: the same facts for programs (`report`, one JSON object) and for people (`text`). */
export interface Outcome {
  readonly report: object;
  readonly text: string;
  readonly problem?: Problem;
}

export interface CliProgress extends Progress {
  /** What `done` counts, in the singular; default rows. */
  readonly unit?: string;
  /** Shown in place of the rate. */
  readonly note?: string;
}

/** What a command may use while it works. */
export interface Context {
  readonly signal: AbortSignal | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder in which the command was given. */
  readonly cwd: string;
  readonly onProgress: (progress: CliProgress) => void;
}

/** Runs a command's work; its outcome is printed when it has ended. */
export type Execute = (work: (context: Context) => Promise<Outcome>) => Promise<void>;

/** Options that do not go together; exit code 2. */
export class UsageError extends Error {}

/** Ctrl-C in a command that has more to say than that. */
export class Interrupted extends Error {}

export function problemOf(error: unknown, aborted: boolean): Problem {
  const message = oneLine(error instanceof Error ? error.message : String(error));
  if (aborted) {
    const said = error instanceof Interrupted ? message : 'interrupted';
    return { code: 'ERR_ABORTED', message: said, exit: EXIT.interrupted };
  }
  if (error instanceof RequantError) return { code: error.code, message, exit: EXIT.failed };
  if (error instanceof UsageError) return { code: 'ERR_USAGE', message, exit: EXIT.usage };
  if (error instanceof CommanderError) {
    return { code: 'ERR_USAGE', message: message.replace(/^error: /, ''), exit: EXIT.usage };
  }
  return { code: 'ERR_INTERNAL', message, exit: EXIT.failed };
}

export function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}
