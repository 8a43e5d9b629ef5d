// npm run fuzz -- <target> [seconds]: coverage-guided fuzzing of one reader, or of all in turn.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildLibrary } from './build-library.mjs';
import { keepCorpus, restoreCorpus } from './corpus.mjs';
import { buildNativeTargets, NATIVE_TARGETS, nativeCommand } from './native.mjs';
import { prepareFuzzer } from './prepare.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));
const build = path.join(folder, 'build');
const SCRIPT_TARGETS = ['json', 'dict', 'npy', 'safetensors', 'file', 'model', 'onnx'];
const TARGETS = [...SCRIPT_TARGETS, ...NATIVE_TARGETS];
const isNative = (target) => NATIVE_TARGETS.includes(target);
const DEFAULT_SECONDS = 120;
/** Of each target: half a minute for all, without building them. */
const SMOKE_SECONDS = 2;

const HELP = `usage: npm run fuzz -- <target> [seconds | <n>x]

Targets: ${SCRIPT_TARGETS.join(', ')} (TypeScript),
         ${NATIVE_TARGETS.join(', ')} (C++: needs cmake and clang 19 with its sanitizers, or CXX=<a clang++>),
         or all, one after the other.
Seconds: of each target; ${DEFAULT_SECONDS} where not given. 1000000x: so many executions of each.
  --smoke          all targets, ${SMOKE_SECONDS} s each
  --smoke=scripts  those in TypeScript only

  --keep           writes build/corpus to corpus/<target>.tgz, to be committed

What leads to new code is kept in build/corpus/<target> and used by the next run, as is corpus/<target>.tgz; an input that ends in anything but a
result or a documented error is written to build/findings and the exit code is 1. To run one again:
  npm run fuzz -- <target> build/findings/<file>`;

/** Program and arguments in front of libFuzzer's options. */
function scriptCommand(target, input) {
  const cli = path.join(folder, 'node_modules', '@jazzer.js', 'core', 'dist', 'cli.js');
  const script = path.join(folder, 'targets', `${target}.cjs`);
  const library = path.join(build, 'requant', 'dist/');
  const args = [cli, script, input, '--includes', library, '--timeout', '10000', '--'];
  return [process.execPath, ...args, `-dict=${path.join(folder, 'keys.dict')}`, '-max_len=8192'];
}

/** Runs libFuzzer on a target; true where nothing was found. */
function fuzz(target, { environment, seconds, runs, input }) {
  const corpus = path.join(build, 'corpus', target);
  const [program, ...args] = (isNative(target) ? nativeCommand : scriptCommand)(target, input ?? corpus);
  args.push('-timeout=10', '-rss_limit_mb=2048', `-artifact_prefix=${build}/findings/${target}-`);
  args.push('-print_final_stats=1');
  if (seconds !== undefined) args.push(`-max_total_time=${seconds}`);
  if (runs !== undefined) args.push(`-runs=${runs}`);
  console.error(`fuzz: ${target}, ${input ?? (runs === undefined ? `${seconds} s` : `${runs} executions`)}`);
  const env = isNative(target) ? process.env : environment;
  const child = spawn(program, args, { cwd: build, env, stdio: 'inherit' });
  return new Promise((resolve) => child.on('exit', (code) => resolve(code === 0)));
}

/** [targets, options of each] or undefined where the arguments are wrong. */
function parse([target, second, ...rest]) {
  if (target === '--smoke' && second === undefined) return [TARGETS, { seconds: SMOKE_SECONDS }];
  if (target === '--smoke=scripts' && second === undefined)
    return [SCRIPT_TARGETS, { seconds: SMOKE_SECONDS }];
  const targets = target === 'all' ? TARGETS : TARGETS.filter((name) => name === target);
  if (targets.length === 0 || rest.length > 0) return undefined;
  if (second !== undefined && /^[1-9]\d*x$/.test(second))
    return [targets, { runs: Number.parseInt(second, 10) }];
  if (second === undefined || /^[1-9]\d*$/.test(second))
    return [targets, { seconds: Number(second ?? DEFAULT_SECONDS) }];
  return targets.length === 1 ? [targets, { input: path.resolve(second) }] : undefined;
}

/** The environment to start the fuzzer with. */
async function prepareScripts() {
  buildLibrary(path.join(build, 'requant'));
  const { writeSeeds } = await import('./seeds.mjs'); // which needs that library
  await writeSeeds(path.join(build, 'corpus'));
  return prepareFuzzer(folder, build);
}

async function main(args) {
  if (args.includes('--help')) {
    console.log(HELP);
    return 0;
  }
  if (args.length === 1 && args[0] === '--keep') {
    for (const target of TARGETS)
      if (existsSync(path.join(build, 'corpus', target))) keepCorpus(folder, build, target);
    return 0;
  }
  const parsed = parse(args);
  if (parsed === undefined) {
    console.error(HELP);
    return 2;
  }
  const [targets, options] = parsed;
  mkdirSync(path.join(build, 'findings'), { recursive: true });
  for (const target of targets) restoreCorpus(folder, build, target);
  if (targets.some(isNative)) buildNativeTargets();
  const environment = targets.every(isNative) ? undefined : await prepareScripts();
  const failed = [];
  for (const target of targets) if (!(await fuzz(target, { ...options, environment }))) failed.push(target);
  console.error(failed.length === 0 ? 'fuzz: nothing found' : `fuzz: findings in ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
