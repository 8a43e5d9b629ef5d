// The libFuzzer targets of test/native/fuzz.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Those with small shapes find more in the checks, a hundred times as fast; the others reach what fills tiles and threads. */
export const NATIVE_TARGETS = ['plan', 'plan_small', 'ops', 'ops_small'];

const root = fileURLToPath(new URL('../../', import.meta.url));
const build = path.join(root, 'build-fuzz');

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`expected ${command} ${args.join(' ')} to succeed`);
}

/** With the address and undefined-behaviour sanitizers; some minutes the first time. */
export function buildNativeTargets() {
  console.error('fuzz: building the native targets in build-fuzz');
  const compiler = process.env.CXX ?? 'clang++-19';
  const options = ['-DREQUANT_FUZZ=ON', '-DREQUANT_ADDON=OFF', `-DCMAKE_CXX_COMPILER=${compiler}`];
  run('cmake', ['-S', '.', '-B', build, ...options]);
  run('cmake', ['--build', build, '-j', String(availableParallelism())]);
}

/** Program and arguments in front of libFuzzer's options. */
export function nativeCommand(target, input) {
  const program = path.join(build, 'test', 'native', 'fuzz', `${target}_fuzz`);
  return [program, input, '-max_len=2048', '-len_control=20'];
}
