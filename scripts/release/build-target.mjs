#!/usr/bin/env node
// prebuildify calls this as its node-gyp, in the folder that it takes build/Release from, with the target in PREBUILD_*:
// one plain cmake build by that target's toolchain file, which is what a user's source build is, too.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { PREBUILD_PLATFORM: platform, PREBUILD_ARCH: arch, PREBUILD_LIBC: libc } = process.env;
const target = [platform, arch, ...(platform === 'linux' ? [libc] : [])].join('-');

function cmake(...args) {
  // What fails says so on stderr; the lines of a build that goes well are nobody's.
  const { status, stdout } = spawnSync('cmake', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  });
  if (status === 0) return;
  process.stderr.write(stdout ?? 'expected cmake on the PATH\n');
  process.exit(status ?? 1);
}

cmake('-S', root, '-B', 'build', `-DCMAKE_TOOLCHAIN_FILE=${root}cmake/toolchains/${target}.cmake`);
cmake('--build', 'build', '--parallel', String(availableParallelism()));
