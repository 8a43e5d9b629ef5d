import { readFileSync, statSync } from 'node:fs';
import { describeElf } from './elf.mjs';
import { describeMachO, isMachO } from './macho.mjs';
import { describePe, isPe } from './pe.mjs';

/** What the gates look at: { size, format, arch, libraries, exports, … } */
export function describeBinary(file) {
  const { size } = statSync(file);
  const head = readFileSync(file).subarray(0, 4);
  if (isMachO(head)) return { size, ...describeMachO(file) };
  if (isPe(head)) return { size, ...describePe(file) };
  return { size, ...describeElf(file) };
}
