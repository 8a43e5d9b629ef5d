import os from 'node:os';
import {
  callNative,
  libcOf,
  type NativeCpuLimits,
  type NativePoolInfo,
  native,
  nativeBinaryPath,
} from '../runtime/native';
import { kernels } from '../runtime/operators';

/** Why the kernel in use is that one. */
export function kernelReason(env: Readonly<Record<string, string | undefined>>): string {
  return env['REQUANT_KERNEL'] ? 'forced by REQUANT_KERNEL' : 'the best that this CPU runs';
}

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
  binaryPath(): string | undefined;
  /** Errors: ERR_BINARY. */
  kernelsInfo(): Readonly<Record<'compiled' | 'available' | 'sparse' | 'features', readonly string[]>>;
  /** Errors: ERR_BINARY, ERR_KERNEL. */
  activeKernel(): string;
  /** Errors: ERR_BINARY. */
  cpuLimits(): NativeCpuLimits;
  /** Errors: ERR_BINARY, ERR_ARGUMENT (REQUANT_THREADS). */
  poolInfo(): NativePoolInfo;
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
    binaryPath: nativeBinaryPath,
    kernelsInfo: () => native().kernelsInfo(),
    activeKernel: () => kernels().active,
    cpuLimits: () => native().cpuLimits(),
    poolInfo: () => callNative((addon) => addon.poolInfo()),
  };
}
