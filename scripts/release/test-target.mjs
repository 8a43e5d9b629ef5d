// Builds the native tests of a target, with the objects of its binary: node test-target.mjs TARGET, after prebuilds.
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { buildFolder } from './build-folder.mjs';
import { cmake } from './cmake.mjs';
import { targetsNamed } from './targets.mjs';
import { zigEnvironment } from './zig.mjs';

for (const { name } of targetsNamed(process.argv[2])) {
  const cwd = path.join(buildFolder, name, 'build');
  const options = { cwd, env: { ...process.env, ...zigEnvironment() } };
  cmake(['-DREQUANT_TESTS=ON', '-DREQUANT_QUICK_TESTS=ON', '.'], options);
  cmake(['--build', '.', '--parallel', String(availableParallelism())], options);
}
