// Native GEMM kernel shapes: a C++ program of bench/native, built by cmake, that prints one JSON object a line.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../build-bench/bench/native/kernels_bench', import.meta.url));

/** Its lines as objects; undefined where it has not been built. */
export function kernelShapes({ quick }) {
  if (!existsSync(program)) return undefined;
  const output = execFileSync(program, quick ? ['--quick'] : [], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
