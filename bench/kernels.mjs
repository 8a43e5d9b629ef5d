// Single products, timed in C++ (bench/native/gemm_bench.cpp): built by cmake, run for the kernel in use and for the
// others that this CPU runs.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { INT4_PRODUCTS, OTHER_KERNELS, PRODUCTS } from './models.mjs';
import { native } from './requant.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const build = fileURLToPath(new URL('../build-bench', import.meta.url));

function buildProgram() {
  process.stderr.write('bench: building the native program\n');
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'] };
  execFileSync('cmake', ['-S', root, '-B', build, '-DREQUANT_BENCH=ON', '-DREQUANT_ADDON=OFF'], quiet);
  execFileSync('cmake', ['--build', build, '--target', 'gemm_bench', '--parallel'], quiet);
  return `${build}/gemm_bench`;
}

function run(program, kernel, shapes, milliseconds, more = []) {
  const args = ['--kernel', kernel, '--ms', String(milliseconds), ...more, ...shapes];
  const output = execFileSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** One object a product: µs, GMAC/s and % of the instruction peak measured around it, int8 and float32, and the goal. */
export function kernelShapes({ quick }) {
  const active = native().activeKernel();
  if (native().instructionPeak(1) === undefined) return undefined; // scalar: no instruction to compare with
  const program = buildProgram();
  const milliseconds = quick ? 5 : 300;
  const goalOf = new Map(PRODUCTS.map(({ shape, goal }) => [shape, goal]));
  const products = run(program, active, [...goalOf.keys()], milliseconds).map((result) => ({
    ...result,
    goal: active === 'avx512vnni' ? goalOf.get(`${result.m}x${result.k}x${result.n}`) : undefined,
  }));
  const { available } = native().kernelsInfo();
  const runsHere = (kernel) =>
    kernel === 'avxvnni-evex' ? available.includes('avx512vnni') : available.includes(kernel);
  const others = OTHER_KERNELS.kernels
    .filter((kernel) => kernel !== active && runsHere(kernel))
    .flatMap((kernel) => run(program, kernel, [OTHER_KERNELS.shape], milliseconds))
    .map((result) => ({ ...result, goal: OTHER_KERNELS.goal }));
  return [...products, ...others];
}

/** One object a shape and group size: µs of both and the ratio, medians over turns. */
export function int4Shapes({ quick }) {
  const active = native().activeKernel();
  if (native().instructionPeak(1) === undefined) return undefined;
  const program = buildProgram();
  return INT4_PRODUCTS.groupSizes.flatMap((groupSize) =>
    run(program, active, INT4_PRODUCTS.shapes, quick ? 5 : 300, ['--int4', String(groupSize)]),
  );
}

/** A Markdown table. */
export function int4Table(results) {
  const rows = results.map((r) => [
    r.kernel,
    `${r.m}×${r.k}×${r.n}`,
    r.groupSize,
    r.int8Micros,
    r.int4Micros,
    r.int4Ratio,
  ]);
  return table(['kernel', 'm×k×n', 'group', 'int8 µs', 'int4 µs', '× faster'], rows);
}

function table(head, rows) {
  return [head, head.map((_, i) => (i === 0 ? ':--' : '--:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** A Markdown table. */
export function kernelTable(results) {
  const rows = results.map((r) => [
    r.kernel,
    `${r.m}×${r.k}×${r.n}`,
    r.int8Micros,
    r.int8Gmacs,
    r.int8PeakPercent,
    r.goal ?? '–',
    r.float32Micros,
    r.float32PeakPercent,
  ]);
  const head = ['kernel', 'm×k×n', 'int8 µs', 'GMAC/s', '% peak', 'goal', 'float32 µs', '% FMA peak'];
  return table(head, rows);
}
