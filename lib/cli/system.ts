import { readFileSync } from 'node:fs';
import os from 'node:os';
import { libcOf, native, nativeBinaryPath } from '../runtime/native';
import { kernels } from '../runtime/operators';

/** The machine as `doctor` sees it; tests give another. */
export interface System {
  readonly platform: string;
  readonly arch: string;
  readonly nodeVersion: string;
  readonly libc: string;
  readonly cpuModel: string;
  readonly cpus: number;
  readonly availableParallelism: number;
  readonly totalMemory: number;
  readonly freeMemory: number;
  /** Bytes the container may use; undefined or 0 where there is no limit. */
  readonly memoryLimit: number | undefined;
  /** The text of a file; undefined where it cannot be read. */
  readText(path: string): string | undefined;
  binaryPath(): string | undefined;
  /** Errors: ERR_BINARY. */
  kernelsInfo(): { compiled: readonly string[]; available: readonly string[]; features: readonly string[] };
  /** Errors: ERR_BINARY, ERR_KERNEL. */
  activeKernel(): string;
}

export function thisSystem(): System {
  const cpus = os.cpus();
  return {
    platform: process.platform,
    arch: process.arch,
    nodeVersion: process.version,
    libc: process.platform === 'linux' ? libcOf(process.execPath) : 'none',
    cpuModel: cpus[0]?.model.trim() ?? 'unknown',
    cpus: cpus.length,
    availableParallelism: os.availableParallelism(),
    totalMemory: os.totalmem(),
    freeMemory: os.freemem(),
    memoryLimit: process.constrainedMemory(),
    readText,
    binaryPath: nativeBinaryPath,
    kernelsInfo: () => native().kernelsInfo(),
    activeKernel: () => kernels().active,
  };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

export interface CpuQuota {
  readonly cgroup: 'v1' | 'v2';
  /** CPUs' worth of time; null: no limit. */
  readonly cpus: number | null;
}

const QUOTA_V2 = '/sys/fs/cgroup/cpu.max';
const FOLDERS_V1 = ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup'];

/** The container's CPU limit; null where there is no cgroup file. */
export function cpuQuota({ readText }: Pick<System, 'readText'>): CpuQuota | null {
  const v2 = readText(QUOTA_V2);
  if (v2 !== undefined) {
    const [quota, period] = v2.trim().split(' ').map(Number);
    return { cgroup: 'v2', cpus: share(quota, period) };
  }
  for (const folder of FOLDERS_V1) {
    const quota = readText(`${folder}/cpu.cfs_quota_us`);
    const period = readText(`${folder}/cpu.cfs_period_us`);
    if (quota !== undefined) return { cgroup: 'v1', cpus: share(Number(quota), Number(period)) };
  }
  return null;
}

/** v2 writes 'max' and v1 −1 where there is no limit. */
function share(quota = Number.NaN, period = Number.NaN): number | null {
  return quota > 0 && period > 0 ? quota / period : null;
}
