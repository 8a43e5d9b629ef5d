// @jazzer.js/fuzzer 4.0.0 is linked against glibc 2.38. Of that it needs three small functions (shim.c): the shim is
// preloaded, and the binary's wish for versions that the system does not have is marked as weak.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const SECTION_VERNEED = 0x6ffffffe;
const WEAK = 2;
const MISSING_VERSIONS = ['GLIBC_2.38', 'GLIBCXX_3.4.32'];

function textAt(bytes, offset) {
  return bytes.toString('latin1', offset, bytes.indexOf(0, offset));
}

/** Sections of an ELF file of 64 bits, little-endian. */
function sections(elf) {
  const begin = Number(elf.readBigUInt64LE(0x28));
  const size = elf.readUInt16LE(0x3a);
  return Array.from({ length: elf.readUInt16LE(0x3c) }, (_, i) => {
    const at = begin + i * size;
    return {
      type: elf.readUInt32LE(at + 4),
      offset: Number(elf.readBigUInt64LE(at + 0x18)),
      link: elf.readUInt32LE(at + 0x28),
      count: elf.readUInt32LE(at + 0x2c),
    };
  });
}

/** Sets the weak flag of these versions, in place. */
function weaken(elf) {
  const all = sections(elf);
  const needs = all.find(({ type }) => type === SECTION_VERNEED);
  const names = all[needs.link].offset;
  let need = needs.offset;
  for (let i = 0; i < needs.count; i++, need += elf.readUInt32LE(need + 12)) {
    let version = need + elf.readUInt32LE(need + 8);
    for (let j = elf.readUInt16LE(need + 2); j > 0; j--, version += elf.readUInt32LE(version + 12)) {
      const name = textAt(elf, names + elf.readUInt32LE(version + 8));
      if (MISSING_VERSIONS.includes(name)) elf.writeUInt16LE(WEAK, version + 4);
    }
  }
  return elf;
}

/** Makes `binary` load where `shim`, which it writes, is preloaded. */
export function adaptBinary(binary, shim) {
  writeFileSync(binary, weaken(readFileSync(binary)));
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', shim, new URL('shim.c', import.meta.url).pathname]);
}
