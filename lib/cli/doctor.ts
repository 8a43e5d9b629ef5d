import type { Command } from 'commander';
import { RequantError } from '../errors';
import { version } from '../version';
import { bytes, fields, plural } from './format';
import { addJson } from './options';
import { type Context, EXIT, type Execute, type Outcome, oneLine, type Problem } from './outcome';
import { kernelReason, type System, thisSystem } from './system';

const EXAMPLES = `
Examples:
  requant doctor
  REQUANT_KERNEL=scalar requant doctor
  requant doctor --json | jq -r .kernels.active`;

export function addDoctor(program: Command, execute: Execute): void {
  addJson(
    program
      .command('doctor')
      .summary('show CPU, kernels, limits, and what is wrong')
      .description('Shows what this package runs on and which kernel it chose; exit 1 where it cannot run.'),
  )
    .addHelpText('after', EXAMPLES)
    .action(() => execute(async (context) => examine(thisSystem(), context)));
}

interface Kernels {
  readonly compiled: readonly string[];
  readonly available: readonly string[];
  readonly features: readonly string[];
  /** Those that skip zero 4×1 blocks of weights (docs/pruning.md). */
  readonly sparse: readonly string[];
  /** null where REQUANT_KERNEL names none that runs. */
  readonly active: string | null;
  readonly reason: string | null;
}

/** Must come to its end whatever is wrong: that is what it reports. */
export function examine(system: System, { env }: Pick<Context, 'env'>): Outcome {
  const { kernels, error } = examineKernels(system, env);
  const threads = kernels && examineThreads(system);
  const first = error ?? threads?.error;
  const problem = first && problemOf(first);
  return {
    report: reportOf(system, kernels, threads),
    text: textOf(system, kernels, threads),
    ...(problem && { problem }),
  };
}

function examineKernels(
  system: System,
  env: Context['env'],
): { kernels: Kernels | null; error?: RequantError } {
  let found: ReturnType<System['kernelsInfo']>;
  try {
    found = system.kernelsInfo();
  } catch (error) {
    return { kernels: null, error: known(error) };
  }
  const { compiled, available, sparse, features } = found;
  const reason = kernelReason(env);
  try {
    return { kernels: { compiled, available, sparse, features, active: system.activeKernel(), reason } };
  } catch (error) {
    return {
      kernels: { compiled, available, sparse, features, active: null, reason: null },
      error: known(error),
    };
  }
}

interface Threads {
  readonly limits: ReturnType<System['cpuLimits']>;
  /** null where REQUANT_THREADS is no number of threads. */
  readonly pool: ReturnType<System['poolInfo']> | null;
  readonly error?: RequantError;
}

function examineThreads(system: System): Threads {
  const limits = system.cpuLimits();
  try {
    return { limits, pool: system.poolInfo() };
  } catch (error) {
    return { limits, pool: null, error: known(error) };
  }
}

function known(error: unknown): RequantError {
  if (error instanceof RequantError) return error;
  throw error;
}

/** With the reason beneath: "no binary" alone would hide a binary that does not load. */
function problemOf({ code, message, cause }: RequantError): Problem {
  const because = cause instanceof Error ? ` (${cause.message})` : '';
  return { code, message: oneLine(message + because), exit: EXIT.failed };
}

function reportOf(system: System, kernels: Kernels | null, threads: Threads | null): object {
  return {
    command: 'doctor',
    version: version(),
    node: system.nodeVersion,
    platform: system.platform,
    arch: system.arch,
    libc: system.libc,
    binary: system.binaryPath() ?? null,
    cpu: { model: system.cpuModel, cpus: system.cpus, features: kernels?.features ?? null },
    kernels: kernels && {
      compiled: kernels.compiled,
      available: kernels.available,
      active: kernels.active,
      reason: kernels.reason,
      skipsZeroBlocks: kernels.active === null ? null : kernels.sparse.includes(kernels.active),
    },
    limits: {
      availableParallelism: system.availableParallelism,
      schedulableCpus: threads?.limits.cpus ?? null,
      cgroup: threads?.limits.cgroup ?? null,
      quotaCpus: threads?.limits.quotaCpus ?? null,
    },
    pool: threads?.pool ?? null,
    memory: {
      totalBytes: system.totalMemory,
      freeBytes: system.freeMemory,
      limitBytes: memoryLimit(system) ?? null,
    },
  };
}

function textOf(system: System, kernels: Kernels | null, threads: Threads | null): string {
  const { platform, arch, libc, nodeVersion } = system;
  const limit = memoryLimit(system);
  return fields([
    ['requant', version()],
    ['node', `${nodeVersion}, ${platform}-${arch}, libc ${libc}`],
    ['binary', system.binaryPath() ?? 'none'],
    ['CPU', `${system.cpuModel}, ${plural(system.cpus, 'CPU')}`],
    ['features', kernels ? listed(kernels.features) : 'unknown without a binary'],
    ['kernels compiled', kernels ? listed(kernels.compiled) : undefined],
    ['kernels available', kernels ? listed(kernels.available) : undefined],
    ['kernel in use', kernels ? activeText(kernels) : 'none'],
    ['zero 4×1 blocks', kernels ? sparseText(kernels) : 'unknown without a binary'],
    ['CPU quota', threads ? quotaText(threads.limits) : 'unknown without a binary'],
    ['threads', threads ? poolText(threads) : 'none'],
    ['available parallelism', plural(system.availableParallelism, 'thread')],
    ['memory', `${bytes(system.totalMemory)}, ${bytes(system.freeMemory)} free`],
    ['memory limit', limit === undefined ? 'none' : bytes(limit)],
  ]);
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

function activeText({ active, reason }: Kernels): string {
  return active === null ? 'none' : `${active} (${reason})`;
}

function quotaText({ cgroup, quotaCpus }: Threads['limits']): string {
  if (cgroup === null) return 'none (no cgroup)';
  return quotaCpus === null ? `none (cgroup ${cgroup})` : `${plural(quotaCpus, 'CPU')} (cgroup ${cgroup})`;
}

/** Weights with many zero blocks: whether the kernel in use leaves them out. */
function sparseText({ active, sparse }: Kernels): string {
  if (active !== null && sparse.includes(active)) return 'left out of int8 layers where that pays';
  return sparse.length === 0
    ? 'run as others (needs AVX-512 VNNI and VBMI)'
    : `run as others, but with ${listed(sparse)}`;
}

const POOL_SOURCES = {
  REQUANT_THREADS: 'from REQUANT_THREADS',
  quota: 'the CPU quota, rounded down',
  affinity: 'the CPUs this process may use',
};

function poolText({ pool }: Threads): string {
  return pool === null ? 'none' : `${pool.threads} (${POOL_SOURCES[pool.source]})`;
}

/** Where there is no cgroup limit, Node says undefined, 0 or more than the machine has. */
function memoryLimit({ memoryLimit: limit, totalMemory }: System): number | undefined {
  return limit !== undefined && limit > 0 && limit < totalMemory ? limit : undefined;
}
