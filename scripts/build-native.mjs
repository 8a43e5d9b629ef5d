// Builds the addon with cmake-js into build/Release; with --tests also the native tests, in build-tests, and runs them.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const jobs = String(availableParallelism());

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
}

function buildTests() {
  run('cmake', ['-S', '.', '-B', 'build-tests', '-DREQUANT_TESTS=ON', '-DREQUANT_ADDON=OFF']);
  run('cmake', ['--build', 'build-tests', '-j', jobs]);
  run('ctest', ['--test-dir', 'build-tests', '--output-on-failure', '-j', jobs]);
}

function buildAddon() {
  rmSync(`${root}/build/CMakeCache.txt`, { force: true }); // a cross build leaves its toolchain there
  run(process.execPath, [
    'node_modules/cmake-js/bin/cmake-js',
    'compile',
    '--parallel',
    jobs,
    '--log-level',
    'warn',
  ]);
}

if (process.argv.includes('--tests')) buildTests();
else buildAddon();
