import { execFileSync } from 'node:child_process';

export const isPe = (bytes) => bytes.toString('latin1', 0, 2) === 'MZ';

/** Needs an objdump that reads pei-x86-64, as Debian's does. */
export function describePe(file) {
  const headers = execFileSync('objdump', ['-p', file], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  const names = headers.split('[Ordinal/Name Pointer] Table')[1]?.split('\n\n')[0] ?? '';
  return {
    format: 'pe',
    arch: /pei-x86-64/.test(headers) ? 'x64' : 'unknown',
    libraries: [...headers.matchAll(/DLL Name: (.*)/g)].map(([, name]) => name),
    exports: [...names.matchAll(/\] (?:\+base\[\s*\d+\] )?(?:[0-9a-f]+ )?(\w+)$/gm)]
      .map(([, name]) => name)
      .sort(),
  };
}
