// What a release is built for, and what its binaries must be. cmake/toolchains has a file for each name.

const X64 = ['avx512vnni', 'avxvnni', 'avx2', 'scalar'];
const ARM64 = ['neon-i8mm', 'neon-dotprod', 'scalar'];
// zig's libc++ is linked statically. musl has one library for all of them.
const GLIBC = ['libc.so.6', 'libm.so.6', 'libpthread.so.0', 'libdl.so.2', 'librt.so.1'];
const MUSL = ['libc.so'];
const MACOS = ['/usr/lib/libSystem.B.dylib'];

/**
 * libraries: all that a binary may ask for. kernels: all that must be in it, best first. tested: whether it was run;
 * others are built by their name alone, and are in no release.
 */
export const TARGETS = [
  {
    name: 'linux-x64-glibc',
    platform: 'linux',
    arch: 'x64',
    libc: 'glibc',
    libraries: [...GLIBC, 'ld-linux-x86-64.so.2'],
    kernels: X64,
    tested: true,
  },
  {
    name: 'linux-x64-musl',
    platform: 'linux',
    arch: 'x64',
    libc: 'musl',
    libraries: MUSL,
    kernels: X64,
    tested: true,
  },
  {
    name: 'linux-arm64-glibc',
    platform: 'linux',
    arch: 'arm64',
    libc: 'glibc',
    libraries: [...GLIBC, 'ld-linux-aarch64.so.1'],
    kernels: ARM64,
    tested: true,
  },
  {
    name: 'linux-arm64-musl',
    platform: 'linux',
    arch: 'arm64',
    libc: 'musl',
    libraries: MUSL,
    kernels: ARM64,
    tested: true,
  },
  {
    name: 'darwin-arm64',
    platform: 'darwin',
    arch: 'arm64',
    libraries: MACOS,
    kernels: ARM64,
    tested: false,
  },
  {
    name: 'win32-x64',
    platform: 'win32',
    arch: 'x64',
    libraries: ['node.exe', 'KERNEL32.dll', 'ntdll.dll'],
    kernels: X64,
    tested: false,
  },
];

/** Path of a target's binary below the package, as node-gyp-build looks for it. */
export function binaryOf({ platform, arch, libc }) {
  return `prebuilds/${platform}-${arch}/requant.${libc ? `${libc}.` : ''}node`;
}

/** The targets of a comma-separated list of names; all tested ones without one. */
export function targetsNamed(list) {
  if (!list) return TARGETS.filter(({ tested }) => tested);
  return list.split(',').map((name) => {
    const target = TARGETS.find((one) => one.name === name);
    const known = TARGETS.map((one) => one.name).join(', ');
    if (!target) throw new Error(`expected one of ${known} but received ${name}`);
    return target;
  });
}
