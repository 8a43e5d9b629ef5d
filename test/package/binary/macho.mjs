// Mach-O, 64 bits, little endian: as much of it as the gates need (Debian's binutils do not read it).
import { readFileSync } from 'node:fs';

const MAGIC = 0xfeedfacf;
const CPU_ARM64 = 0x0100000c;
const SYMTAB = 0x2;
const DYLIBS = [0xc, 0x80000018, 0x8000001f]; // load, weak, re-export
const BUILD_VERSION = 0x32;
const STAB = 0xe0;
const TYPE = 0x0e;
const EXTERNAL = 0x01;
const PRIVATE_EXTERNAL = 0x10;

export const isMachO = (bytes) => bytes.readUInt32LE(0) === MAGIC;

function* loadCommands(bytes) {
  let at = 32;
  for (let left = bytes.readUInt32LE(16); left > 0; left--) {
    yield { kind: bytes.readUInt32LE(at), at };
    at += bytes.readUInt32LE(at + 4);
  }
}

const text = (bytes, at) => bytes.toString('latin1', at, bytes.indexOf(0, at));

/** Symbols that other files see, without the leading underscore of C names. */
function* externals(bytes, at) {
  const [symbols, count, strings] = [8, 12, 16].map((offset) => bytes.readUInt32LE(at + offset));
  for (let symbol = symbols; symbol < symbols + count * 16; symbol += 16) {
    const type = bytes[symbol + 4];
    if ((type & STAB) !== 0 || (type & TYPE) === 0 || (type & EXTERNAL) === 0) continue;
    const hidden = (type & PRIVATE_EXTERNAL) !== 0;
    yield { name: text(bytes, strings + bytes.readUInt32LE(symbol)).replace(/^_/, ''), hidden };
  }
}

/** Names that an object defines for others of its program. */
export function machOGlobals(file) {
  const bytes = readFileSync(file);
  return [...loadCommands(bytes)]
    .filter(({ kind }) => kind === SYMTAB)
    .flatMap(({ at }) => [...externals(bytes, at)].map(({ name }) => name));
}

export function describeMachO(file) {
  const bytes = readFileSync(file);
  const libraries = [];
  const exports = [];
  let system;
  for (const { kind, at } of loadCommands(bytes)) {
    if (DYLIBS.includes(kind)) libraries.push(text(bytes, at + bytes.readUInt32LE(at + 8)));
    if (kind === BUILD_VERSION) system = bytes.readUInt16LE(at + 14);
    if (kind === SYMTAB)
      exports.push(...[...externals(bytes, at)].filter(({ hidden }) => !hidden).map(({ name }) => name));
  }
  const arch = bytes.readUInt32LE(4) === CPU_ARM64 ? 'arm64' : 'unknown';
  return { format: 'mach-o', arch, macos: system, libraries, exports: exports.sort() };
}
