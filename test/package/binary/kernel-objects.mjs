// An object with instruction-set flags defines one name, its table: anything else that it shares with other objects
// (inline functions, instances of templates) the linker might keep for every CPU.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isMachO, machOGlobals } from './macho.mjs';

/** Symbols of an object that its program sees or may replace. */
export function globalsOf(object) {
  if (isMachO(readFileSync(object))) return machOGlobals(object);
  const lines = execFileSync('nm', [object], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  // $d, $x: ARM's marks of data and code.
  return [...lines.matchAll(/ [A-TV-Zuvw] ((?!\$[dx])\S+)$/gm)].map(([, name]) => name);
}

function kernelObjects(build) {
  if (!existsSync(build)) return [];
  return readdirSync(build, { recursive: true })
    .filter((name) => /table\.cpp\.obj?$|table\.cpp\.o$/.test(name) && !name.includes('kernel_scalar'))
    .map((name) => path.join(build, name));
}

/** What is wrong with the kernels compiled in a CMake folder. */
export function objectProblems(build) {
  const objects = kernelObjects(build);
  if (objects.length < 2)
    return [`expected the objects of several kernels in ${build} but received ${objects.length}`];
  return objects.flatMap((object) => {
    const [table, ...others] = globalsOf(object).sort((a, b) => Number(isTable(b)) - Number(isTable(a)));
    const name = path.relative(build, object);
    if (!table || !isTable(table)) return [`expected a kernel's table in ${name}`];
    return others.length === 0 ? [] : [`expected no name but ${table} in ${name} but received ${others}`];
  });
}

const isTable = (name) => name.startsWith('requant_kernels_');
