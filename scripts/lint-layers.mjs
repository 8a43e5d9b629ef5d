// The arrows of the architecture (docs/architecture.md), checked: imports of lib/ and includes of native/ point one
// way, only lib/runtime touches the addon, only native/addon includes napi.h, only native/kernels holds intrinsics.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What each folder may depend on, besides itself. Files directly in lib/ that are not entry points are 'base'. */
const LIB = {
  base: [],
  quantization: ['base'],
  formats: ['base'],
  runtime: ['base', 'quantization'],
  layers: ['base', 'quantization', 'runtime'],
  calibration: ['base', 'quantization', 'runtime'],
  fp8: ['base', 'quantization', 'runtime', 'layers', 'calibration'],
  models: ['base', 'quantization', 'runtime', 'formats', 'layers', 'calibration', 'fp8'],
  training: ['base', 'quantization', 'runtime', 'formats', 'layers', 'calibration', 'fp8', 'models'],
  compression: [
    'base',
    'quantization',
    'runtime',
    'formats',
    'layers',
    'calibration',
    'fp8',
    'models',
    'training',
  ],
  serving: ['base', 'runtime', 'models'],
  timing: ['base'],
  report: [
    'base',
    'quantization',
    'runtime',
    'layers',
    'calibration',
    'fp8',
    'models',
    'training',
    'compression',
    'timing',
  ],
  cli: [
    'base',
    'quantization',
    'runtime',
    'formats',
    'layers',
    'calibration',
    'fp8',
    'models',
    'training',
    'compression',
    'timing',
    'report',
    'entry',
  ],
  entry: [
    'base',
    'quantization',
    'runtime',
    'layers',
    'calibration',
    'fp8',
    'models',
    'training',
    'compression',
    'serving',
    'report',
  ],
};
const NATIVE = {
  base: [],
  arith: ['base'],
  kernels: ['base', 'arith'],
  dispatch: ['base', 'kernels'],
  parallel: ['base'],
  gemm: ['base', 'arith', 'kernels', 'dispatch', 'parallel'],
  ops: ['base', 'arith', 'kernels', 'dispatch', 'gemm'],
  plan: ['base', 'arith', 'kernels', 'dispatch', 'parallel', 'gemm', 'ops'],
  training: ['base', 'arith', 'parallel'],
  addon: ['base', 'arith', 'kernels', 'dispatch', 'gemm', 'ops', 'plan', 'parallel', 'training'],
};
/** The optional peer dependencies, each with the one folder that imports it: what an entry point reaches at once must do without. */
const PEERS = {
  '@bufbuild/protobuf': path.join('lib', 'formats', 'onnx'),
  echarts: path.join('lib', 'report', 'plots'),
};
const LIB_BASE_FILES = [
  'errors',
  'tensor',
  'random',
  'philox',
  'version',
  'builtins',
  'package-root',
  'difference',
  'turn',
  'peer',
  'words',
];

const problems = [];

function files(folder, pattern) {
  return readdirSync(path.join(root, folder), { recursive: true })
    .map((name) => path.join(folder, name))
    .filter((name) => pattern.test(name));
}

function libFolder(file) {
  const [first, ...rest] = path.relative('lib', file).split(path.sep);
  if (rest.length > 0) return first;
  return LIB_BASE_FILES.includes(first.replace(/\.ts$/, '')) ? 'base' : 'entry';
}

function checkArrow(file, from, to, allowed) {
  if (from !== to && !allowed[from]?.includes(to)) problems.push(`${file}: ${from} may not depend on ${to}`);
}

/** Targets of the imports that are still there at run time. */
function imports(file) {
  const text = readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(/^(?:import|export) (?!type )[^;]*?from '(\.[^']*)'/gm)].map(([, target]) => {
    const joined = path.join(path.dirname(file), target);
    const candidates = [`${joined}.ts`, path.join(joined, 'index.ts')];
    return candidates.find((name) => existsSync(path.join(root, name))) ?? joined;
  });
}

function checkReachable(entry) {
  const seen = new Set([entry]);
  for (const file of seen) {
    for (const [peer, folder] of Object.entries(PEERS))
      if (file.startsWith(folder)) problems.push(`${entry} loads ${file}, which needs ${peer}`);
    for (const target of imports(file)) seen.add(target);
  }
}

// Not 'onnx', which scripts/bundle.mjs puts off until one of its functions is called.
for (const entry of ['index', 'kernels', 'training', 'compression', 'fp8', 'serving', 'report'])
  checkReachable(path.join('lib', `${entry}.ts`));

for (const file of files('lib', /\.ts$/)) {
  const text = readFileSync(path.join(root, file), 'utf8');
  for (const [, target] of text.matchAll(/from '(\.[^']*)'/g)) {
    checkArrow(file, libFolder(file), libFolder(path.join(path.dirname(file), `${target}.ts`)), LIB);
  }
  const touchesAddon = /node-gyp-build/.test(text) && !file.startsWith(path.join('lib', 'runtime'));
  if (touchesAddon) problems.push(`${file}: only lib/runtime loads the addon`);
  for (const [, target] of text.matchAll(/(?:from |import\()'([^'.][^']*)'/g))
    for (const [peer, folder] of Object.entries(PEERS))
      if (target.startsWith(peer) && !file.startsWith(folder))
        problems.push(`${file}: only ${folder} imports ${peer}`);
}

for (const file of files('native', /\.(h|cpp)$/)) {
  const text = readFileSync(path.join(root, file), 'utf8');
  const folder = file.split(path.sep)[1];
  for (const [, target] of text.matchAll(/#include "([^"]+)"/g))
    checkArrow(file, folder, target.split('/')[0], NATIVE);
  if (/#include <(napi|node_api)\.h>/.test(text) && folder !== 'addon')
    problems.push(`${file}: only native/addon includes Node-API`);
  if (/#include <(immintrin|arm_neon|x86intrin)\.h>/.test(text) && folder !== 'kernels') {
    problems.push(`${file}: only native/kernels holds intrinsics`);
  }
  // The scalar kernel is the only one written with arith/: nothing inline may be shared between ISA-flagged objects.
  if (folder === 'kernels' && !file.includes('scalar') && /#include "arith\//.test(text))
    problems.push(`${file}: SIMD kernels include only kernel.h`);
}

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
