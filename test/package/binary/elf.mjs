import { execFileSync } from 'node:child_process';

const readelf = (...args) =>
  execFileSync('readelf', ['-W', ...args], { encoding: 'utf8', maxBuffer: 2 ** 26 });

const MACHINES = { 'Advanced Micro Devices X86-64': 'x64', AArch64: 'arm64' };

const higher = (a, b) => a[0] - b[0] || a[1] - b[1];

/** The newest glibc that a file asks for, [major, minor]; undefined where it asks for none. */
function newestGlibc(file) {
  const versions = [...readelf('-V', file).matchAll(/Name: GLIBC_(\d+)\.(\d+)/g)];
  return versions
    .map(([, major, minor]) => [Number(major), Number(minor)])
    .sort(higher)
    .at(-1);
}

function exportsOf(file) {
  const symbol = /^\s*\d+: [0-9a-f]+\s+\d+ \w+\s+(?:GLOBAL|WEAK|UNIQUE)\s+\w+\s+(\w+) ([^\s@]+)/gm;
  return [...readelf('--dyn-syms', file).matchAll(symbol)]
    .filter(([, section]) => section !== 'UND' && section !== 'ABS')
    .map(([, , name]) => name);
}

export function describeElf(file) {
  const machine = readelf('-h', file).match(/Machine:\s+(.*)/)?.[1];
  const dynamic = readelf('-d', file);
  return {
    format: 'elf',
    arch: MACHINES[machine] ?? machine,
    glibc: newestGlibc(file),
    libraries: [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name),
    staysLoaded: /NODELETE/.test(dynamic),
    exports: exportsOf(file).sort(),
  };
}
