#!/usr/bin/env node
// prebuildify calls this as its node-gyp, in the folder that it takes build/Release from, with the target in PREBUILD_*:
// one plain cmake build by that target's toolchain file, which is what a user's source build is, too.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { cmake } from './cmake.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { PREBUILD_PLATFORM: platform, PREBUILD_ARCH: arch, PREBUILD_LIBC: libc } = process.env;
const target = [platform, arch, ...(platform === 'linux' ? [libc] : [])].join('-');

cmake(['-S', root, '-B', 'build', `-DCMAKE_TOOLCHAIN_FILE=${root}cmake/toolchains/${target}.cmake`]);
cmake(['--build', 'build', '--parallel', String(availableParallelism())]);
