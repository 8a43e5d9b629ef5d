// npm run fuzz -- <target> [seconds]: coverage-guided fuzzing of one reader, or of all in turn.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildLibrary } from './build-library.mjs';
import { prepareFuzzer } from './prepare.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));
const build = path.join(folder, 'build');
const TARGETS = ['json', 'dict', 'npy', 'safetensors', 'file', 'model'];
const DEFAULT_SECONDS = 120;
/** Of each target: 20 s for all, with what starting them takes. */
const SMOKE_SECONDS = 2;

const HELP = `usage: npm run fuzz -- <target> [seconds]

Targets: ${TARGETS.join(', ')}, or all (one after the other).
Seconds: of each target; ${DEFAULT_SECONDS} where not given.
  --smoke   all targets, ${SMOKE_SECONDS} s each

What leads to new code is kept in build/corpus/<target> and used by the next run; an input that ends in anything but a
result or a documented error is written to build/findings and the exit code is 1. To run one again:
  npm run fuzz -- <target> build/findings/<file>`;

/** Runs libFuzzer on a target; true where nothing was found. */
function fuzz(target, { environment, seconds, input }) {
  const corpus = path.join(build, 'corpus', target);
  const limits = ['-timeout=10', '-rss_limit_mb=2048', '-max_len=8192'];
  const files = [`-dict=${path.join(folder, 'keys.dict')}`, `-artifact_prefix=${build}/findings/${target}-`];
  const args = [
    path.join(folder, 'node_modules', '@jazzer.js', 'core', 'dist', 'cli.js'),
    path.join(folder, 'targets', `${target}.cjs`),
    input ?? corpus,
    '--includes',
    path.join(build, 'requant', 'dist/'),
    '--timeout',
    '10000',
    '--',
    ...limits,
    ...files,
    ...(input === undefined ? [`-max_total_time=${seconds}`] : []),
    '-print_final_stats=1',
  ];
  console.error(`fuzz: ${target}, ${input ?? `${seconds} s`}`);
  const child = spawn(process.execPath, args, { cwd: build, env: environment, stdio: 'inherit' });
  return new Promise((resolve) => child.on('exit', (code) => resolve(code === 0)));
}

/** [targets, options of each] or undefined where the arguments are wrong. */
function parse([target, second, ...rest]) {
  if (target === '--smoke' && second === undefined) return [TARGETS, { seconds: SMOKE_SECONDS }];
  const targets = target === 'all' ? TARGETS : TARGETS.filter((name) => name === target);
  if (targets.length === 0 || rest.length > 0) return undefined;
  if (second === undefined || /^[1-9]\d*$/.test(second))
    return [targets, { seconds: Number(second ?? DEFAULT_SECONDS) }];
  return targets.length === 1 ? [targets, { input: path.resolve(second) }] : undefined;
}

async function main(args) {
  if (args.includes('--help')) {
    console.log(HELP);
    return 0;
  }
  const parsed = parse(args);
  if (parsed === undefined) {
    console.error(HELP);
    return 2;
  }
  const [targets, options] = parsed;
  buildLibrary(path.join(build, 'requant'));
  const { writeSeeds } = await import('./seeds.mjs'); // which needs that library
  await writeSeeds(path.join(build, 'corpus'));
  mkdirSync(path.join(build, 'findings'), { recursive: true });
  const environment = prepareFuzzer(folder, build);
  const failed = [];
  for (const target of targets) if (!(await fuzz(target, { ...options, environment }))) failed.push(target);
  console.error(failed.length === 0 ? 'fuzz: nothing found' : `fuzz: findings in ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
