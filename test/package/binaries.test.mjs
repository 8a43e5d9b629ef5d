// The gates of a release are seen to fail: on descriptions with one thing wrong, and on the ordinary build of this
// checkout, which is linked with this machine's own C++ library.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { binaryOf, TARGETS, targetsNamed } from '../../scripts/release/targets.mjs';
import { describeBinary } from './binary/describe.mjs';
import { LIMITS, problemsOf } from './binary/gates.mjs';
import { objectProblems } from './binary/kernel-objects.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const built = path.join(root, 'build/Release/requant.node');
const exports = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];
const target = (name) => TARGETS.find((one) => one.name === name);

const GOOD = {
  'linux-x64-glibc': {
    format: 'elf',
    arch: 'x64',
    size: 2 ** 20,
    glibc: [2, 28],
    libraries: ['libc.so.6'],
    staysLoaded: true,
    exports,
  },
  'linux-arm64-musl': {
    format: 'elf',
    arch: 'arm64',
    size: 1,
    libraries: ['libc.so'],
    staysLoaded: true,
    exports,
  },
  'darwin-arm64': {
    format: 'mach-o',
    arch: 'arm64',
    size: 1,
    macos: 11,
    libraries: ['/usr/lib/libSystem.B.dylib'],
    exports,
  },
  'win32-x64': { format: 'pe', arch: 'x64', size: 1, libraries: ['NODE.EXE'], exports },
};

describe('a binary passes', () => {
  it.each(Object.entries(GOOD))('%s', (name, binary) => {
    expect(problemsOf(binary, target(name))).toEqual([]);
  });
});

describe('a binary fails', () => {
  it.each([
    ['linux-x64-glibc', { glibc: [2, 29] }, 'expected glibc 2.28 or older but received 2.29'],
    ['linux-x64-glibc', { glibc: [3, 0] }, 'expected glibc 2.28 or older but received 3.0'],
    ['linux-x64-glibc', { glibc: undefined }, 'expected glibc 2.28 or older but received undefined'],
    ['linux-x64-glibc', { size: 2 ** 20 + 1 }, 'expected at most 1048576 bytes but received 1048577'],
    ['linux-x64-glibc', { libraries: ['libc.so.6', 'libstdc++.so.6'] }, 'received libstdc++.so.6'],
    ['linux-x64-glibc', { exports: [...exports, 'zlib'] }, 'node_api_module_get_api_version_v1,zlib'],
    ['linux-x64-glibc', { exports: [] }, 'expected the exports'],
    ['linux-x64-glibc', { arch: 'arm64' }, 'expected x64 but received arm64'],
    ['linux-x64-glibc', { format: 'pe' }, 'expected elf but received pe'],
    ['linux-x64-glibc', { staysLoaded: false }, 'expected the flag NODELETE'],
    ['linux-arm64-musl', { glibc: [2, 17] }, 'expected no glibc but received 2.17'],
    ['darwin-arm64', { macos: 14 }, 'expected macOS 11 but received 14'],
    ['win32-x64', { libraries: ['MSVCP140.dll'] }, 'received MSVCP140.dll'],
  ])('%s with %o', (name, wrong, problem) => {
    const problems = problemsOf({ ...GOOD[name], ...wrong }, target(name));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });
});

describe.runIf(process.platform === 'linux')('the build of this checkout', () => {
  const here = TARGETS.find(({ arch, libc }) => arch === process.arch && libc === 'glibc');
  const binary = describeBinary(built);

  it('is read: format, processor, exports, libraries', () => {
    expect(binary).toMatchObject({ format: 'elf', arch: process.arch, staysLoaded: true, exports });
    expect(binary.libraries).toContain('libc.so.6');
    expect(binary.glibc[0]).toBe(2);
  });

  it('fails for its C++ library', () => {
    expect(problemsOf(binary, here).join()).toContain('libstdc++.so.6');
  });

  it('fails where the floor is below what it asks for, and not where it is the same', () => {
    const [major, minor] = binary.glibc;
    const floor = (glibc) =>
      problemsOf(binary, here, { ...LIMITS, glibc }).filter((one) => /glibc \d/.test(one));
    expect(floor([major, minor])).toEqual([]);
    expect(floor([major, minor - 1])).toEqual([
      `expected glibc ${major}.${minor - 1} or older but received ${major}.${minor}`,
    ]);
  });
});

describe.runIf(process.platform === 'linux')('objects of kernels', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'requant-objects-'));
  const other = mkdtempSync(path.join(tmpdir(), 'requant-objects-'));
  afterAll(() => {
    for (const one of [folder, other]) rmSync(one, { recursive: true, force: true });
  });

  it('share nothing', () => {
    expect(objectProblems(path.join(root, 'build'))).toEqual([]);
  });

  it('fail where they are not there', () => {
    expect(objectProblems(folder).join()).toContain('received 0');
  });

  it('fail where one shares a name beside its table', () => {
    const source = `extern "C" const int requant_kernels_bad = 1;
      inline int shared(int x) { return x + 1; }
      __attribute__((visibility("default"))) int use(int x) { int (*volatile f)(int) = shared; return f(x); }`;
    for (const name of ['a', 'b'])
      execFileSync('c++', ['-x', 'c++', '-c', '-', '-o', path.join(other, `${name}-table.cpp.o`)], {
        input: source,
      });
    expect(objectProblems(other).join()).toMatch(
      /but requant_kernels_bad in a-table.cpp.o but received .*shared/,
    );
  });

  it('fail where one has no table', () => {
    const object = 'native/dispatch/registry.cpp.o'; // an ordinary one
    const from = path.join(root, 'build/CMakeFiles/requant_core.dir', object);
    expect(existsSync(from)).toBe(true);
    for (const name of ['a', 'b']) cpSync(from, path.join(folder, `${name}-table.cpp.o`));
    expect(objectProblems(folder).join()).toContain("expected a kernel's table");
  });
});

describe('targets', () => {
  it('are where node-gyp-build looks', () => {
    expect(TARGETS.map(binaryOf)).toEqual([
      'prebuilds/linux-x64/requant.glibc.node',
      'prebuilds/linux-x64/requant.musl.node',
      'prebuilds/linux-arm64/requant.glibc.node',
      'prebuilds/linux-arm64/requant.musl.node',
      'prebuilds/darwin-arm64/requant.node',
      'prebuilds/win32-x64/requant.node',
    ]);
  });

  it('have a toolchain file each', () => {
    for (const { name } of TARGETS)
      expect(existsSync(path.join(root, `cmake/toolchains/${name}.cmake`))).toBe(true);
  });

  it('unknown ones are named', () => {
    expect(() => targetsNamed('linux-x64-glibc,beos')).toThrow('but received beos');
  });
});
