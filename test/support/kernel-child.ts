import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { serialize } from 'node:v8';
import type { NativeProgram, NativeRequantize, NativeRows } from '../../lib/runtime/native';

/** One call of the addon, with the array that receives the result. */
export type KernelJob =
  | {
      kind: 'qgemm';
      x: NativeRows;
      weights: NativeRows;
      out: number;
      in: number;
      zeroPoint?: Int32Array;
      xZeroPoint: number;
      bias?: Int32Array;
      requantize?: NativeRequantize;
      scale?: Float32Array;
      result: NativeRows | Int32Array;
    }
  | { kind: 'requantize'; acc: Int32Array; requantize: NativeRequantize; result: NativeRows }
  | { kind: 'plan'; program: NativeProgram; input: NativeRows; result: NativeRows };

export interface KernelReport {
  readonly active?: string;
  /** sha256 of each job's result. */
  readonly digests?: readonly string[];
  readonly code?: string;
  readonly message?: string;
}

/** Runs the jobs in a fresh process that is forced to use `kernel`. */
export function runWithKernel(kernel: string, jobs: readonly KernelJob[]): KernelReport {
  const { stdout, stderr, status } = spawnSync(process.execPath, [path.join(__dirname, 'kernel-child.cjs')], {
    env: { ...process.env, REQUANT_KERNEL: kernel },
    input: serialize(jobs),
    maxBuffer: 2 ** 24,
  });
  if (status !== 0) throw new Error(`the child ended with ${status}: ${stderr}`);
  return JSON.parse(String(stdout)) as KernelReport;
}
