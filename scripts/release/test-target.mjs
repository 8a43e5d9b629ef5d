// Builds the native tests of a target, with the objects of its binary: node test-target.mjs TARGET, after prebuilds.
// Those of linux-x64-musl run under the loader of musl-gcc (Debian's package musl-tools).
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFolder } from './build-folder.mjs';
import { cmake } from './cmake.mjs';
import { targetsNamed } from './targets.mjs';
import { zigEnvironment } from './zig.mjs';

const runner = fileURLToPath(new URL('../../test/native/run_shared.c', import.meta.url));

for (const { name } of targetsNamed(process.argv[2])) {
  const cwd = path.join(buildFolder, name, 'build');
  const options = { cwd, env: { ...process.env, ...zigEnvironment() } };
  cmake(['-DREQUANT_TESTS=ON', '-DREQUANT_QUICK_TESTS=ON', '.'], options);
  if (name === 'linux-x64-musl') execFileSync('musl-gcc', [runner, '-o', path.join(cwd, 'run_shared')]);
  cmake(['--build', '.', '--parallel', String(availableParallelism())], options);
}
