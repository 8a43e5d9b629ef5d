// That no floating-point operation runs inside a step of training with integers. test/native/integer_float_trap.cpp runs
// steps with the CPU's trap flag set, which stops behind every instruction; here each executed one is looked up in the
// disassembly, of the program and of the libraries it met. Moves, broadcasts and shuffles of vector registers are fine
// whatever type is in their name; anything that adds, multiplies, compares, rounds or converts floats is not.
//   node scripts/audit-integer-step.mjs BUILD   (a CMake folder with the native tests)
import { execFileSync } from 'node:child_process';
import path from 'node:path';

const program = path.join(process.argv[2] ?? 'build-tests', 'test', 'native', 'integer_float_trap');
const KERNELS = ['scalar', 'avx2', 'avxvnni', 'avxvnni-evex', 'avx512vnni'];
/** Data movement and bitwise logic on vectors that are named after floats. */
const MOVES =
  /^v?(mov|lddq|unpck|shuf|perm|broadcast|blend|insert|extract|maskmov|expand|compress|zeroupper|and|andn|or|xor)/;

/** Whether an instruction computes with floats, judged by its mnemonic. */
export function computesWithFloats(mnemonic) {
  if (/^f(?!xsave|xrstor|s:)/.test(mnemonic)) return true; // x87
  if (/^v?cvt/.test(mnemonic) || /^v?u?comis/.test(mnemonic)) return true;
  const named = /(ss|sd|ps|pd)$/.test(mnemonic) || /^v.*(sh|ph|bf16)$/.test(mnemonic);
  return named && !/^v?p(?!erm)/.test(mnemonic) && !MOVES.test(mnemonic);
}

/** Address (hexadecimal) → mnemonic. */
function disassembly(file) {
  const lines = execFileSync('objdump', ['-d', '--no-show-raw-insn', file], {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  return new Map(
    [
      ...lines.matchAll(
        /^ *([0-9a-f]+):\s+(?:\{\w+\} |(?:rep|repz|repnz|lock|bnd|notrack|data16|cs) )*(\S+)/gm,
      ),
    ].map(([, at, name]) => [at, name]),
  );
}

function executed(kernel) {
  const lines = execFileSync(program, [kernel], { encoding: 'utf8', maxBuffer: 2 ** 28 })
    .trim()
    .split('\n');
  const modules = new Map();
  for (const line of lines) {
    if (line.startsWith('skip')) continue;
    const [module, at] = line.split(' ');
    modules.set(module, [...(modules.get(module) ?? []), at]);
  }
  return modules;
}

const known = new Map();
let failed = false;
for (const kernel of KERNELS) {
  const modules = executed(kernel);
  if (modules.size === 0) {
    console.log(`skip ${kernel}: this CPU does not run it`);
    continue;
  }
  const counts = new Map();
  for (const [module, addresses] of modules) {
    const file = module === '/proc/self/exe' ? program : module;
    if (file.includes('vdso')) continue;
    if (!known.has(file)) known.set(file, disassembly(file));
    for (const at of addresses) {
      const mnemonic = known.get(file).get(at) ?? '(unknown)';
      counts.set(mnemonic, (counts.get(mnemonic) ?? 0) + 1);
      if (mnemonic !== '(unknown)' && !computesWithFloats(mnemonic)) continue;
      console.error(`${kernel}: ${mnemonic} at ${at} of ${file}`);
      failed = true;
    }
  }
  const total = [...counts.values()].reduce((a, b) => a + b, 0);
  const moves = [...counts.keys()].filter((name) => /(ss|sd|ps|pd)$/.test(name) && MOVES.test(name)).sort();
  const dots = ['vpdpbusd', 'vpmaddwd', 'imul'].filter((name) => counts.has(name)).join(', ');
  console.log(
    `${kernel}: ${total} instructions met, products by ${dots}; none computes with floats (moves named after them: ${moves.join(', ') || 'none'})`,
  );
}
process.exit(failed ? 1 : 0);
