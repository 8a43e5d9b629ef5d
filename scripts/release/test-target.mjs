// Builds the native tests of a target, with the objects of its binary: node test-target.mjs TARGET, after prebuilds.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { buildFolder } from './build-folder.mjs';
import { targetsNamed } from './targets.mjs';
import { zigEnvironment } from './zig.mjs';

function cmake(folder, ...args) {
  const env = { ...process.env, ...zigEnvironment() };
  const { status, stdout } = spawnSync('cmake', args, {
    cwd: folder,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  });
  if (status === 0) return;
  process.stderr.write(stdout ?? 'expected cmake on the PATH\n');
  process.exit(status ?? 1);
}

for (const { name } of targetsNamed(process.argv[2])) {
  const folder = path.join(buildFolder, name, 'build');
  cmake(folder, '-DREQUANT_TESTS=ON', '-DREQUANT_QUICK_TESTS=ON', '.');
  cmake(folder, '--build', '.', '--parallel', String(availableParallelism()));
}
